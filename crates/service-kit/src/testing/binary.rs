//! A service's binary, and what it says of its settings.

use super::Running;
use std::{
    ffi::OsString,
    process::{Command, Output, Stdio},
};

/// Settings of this machine's shell must not reach a service under test.
const ENVIRONMENT_PREFIX: &str = "HATTAMA_";

/// A service's binary with the arguments that every start of it has. It listens on any free ports.
#[derive(Debug, Clone)]
pub struct Binary {
    path: &'static str,
    arguments: Vec<OsString>,
}

impl Binary {
    /// The binary at `path`: `env!("CARGO_BIN_EXE_…")`.
    #[must_use]
    pub fn new(path: &'static str) -> Self {
        Self { path, arguments: vec![] }.with(["--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0"])
    }

    /// With these arguments too.
    #[must_use]
    pub fn with(mut self, arguments: impl IntoIterator<Item = impl Into<OsString>>) -> Self {
        self.arguments.extend(arguments.into_iter().map(Into::into));
        self
    }

    /// Runs it to its end.
    #[must_use]
    pub fn output(&self) -> Output {
        self.command().output().unwrap()
    }

    /// Starts it and waits until a line of its log with the words `listens` names where it serves, `grpc listens` say.
    #[must_use]
    pub fn start(&self, listens: &str) -> Running {
        Running::of(self.command().stderr(Stdio::piped()).spawn().unwrap(), listens)
    }

    /// `--help` names these flags, and every flag that it names has an environment variable of the project.
    pub fn assert_help_names_every_setting(&self, flags: &[&str]) {
        let help = self.clone().with(["--help"]).output();
        let text = String::from_utf8(help.stdout).unwrap();
        assert!(help.status.success(), "{text}");
        for flag in flags {
            assert!(text.contains(&format!("--{flag} ")), "--{flag} is not in:\n{text}");
        }
        let (_, options) = text.split_once("Options:").unwrap();
        let settings = options.split("\n      --").skip(1).map(|option| option.split("\n  -h, ").next().unwrap());
        for setting in settings {
            assert!(setting.contains(&format!("[env: {ENVIRONMENT_PREFIX}")), "without a variable:\n--{setting}");
        }
    }

    /// A key of the file that is no setting is refused, and named with the file and the line.
    pub fn assert_an_unknown_key_is_refused(&self) {
        let refused = self.refusal(self.command(), "listenn = \"127.0.0.1:0\"\n");
        for part in ["unknown field `listenn`", "line 1", "did you mean `listen`?", "settings.toml"] {
            assert!(refused.contains(part), "`{part}` is not in: {refused}");
        }
        let refused = self.refusal(self.command(), "[process]\ncolour = \"red\"\n");
        for part in ["unknown field `colour`", "line 2", "settings.toml"] {
            assert!(refused.contains(part), "`{part}` is not in: {refused}");
        }
    }

    /// A flag beats the environment, which beats the file: whichever filter of the log is in force is refused by name.
    pub fn assert_a_flag_beats_the_environment_which_beats_the_file(&self) {
        let file = "[process]\nlog = \"hattama=of-the-file\"\n";
        let of_the_file = self.refusal(self.command(), file);
        let mut command = self.command();
        command.env("HATTAMA_LOG", "hattama=of-the-environment");
        let of_the_environment = self.refusal(command, file);
        let mut command = self.clone().with(["--log", "hattama=of-the-flag"]).command();
        command.env("HATTAMA_LOG", "hattama=of-the-environment");
        let of_the_flag = self.refusal(command, file);
        for (said, layer) in
            [(of_the_file, "of-the-file"), (of_the_environment, "of-the-environment"), (of_the_flag, "of-the-flag")]
        {
            assert!(said.contains(&format!("the log filter `hattama={layer}` does not parse")), "{layer}: {said}");
        }
    }

    /// What it says when it refuses to start with this file of settings.
    fn refusal(&self, mut command: Command, settings: &str) -> String {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("settings.toml");
        std::fs::write(&file, settings).unwrap();
        let refused = command.arg("--config").arg(&file).output().unwrap();
        let said = String::from_utf8(refused.stderr).unwrap();
        assert_eq!(refused.status.code(), Some(i32::from(crate::shutdown::EXIT_FAILED)), "{}: {said}", self.path);
        said
    }

    fn command(&self) -> Command {
        let mut command = Command::new(self.path);
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with(ENVIRONMENT_PREFIX) {
                command.env_remove(name);
            }
        }
        command.args(&self.arguments);
        command
    }
}
