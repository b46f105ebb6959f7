//! What the loader's tests share: change one thing in the sample, look at what the loader says.

#![expect(clippy::unwrap_used, reason = "helpers of tests stand outside the test functions")]

use hattama_election::definition::{Definition, DefinitionFiles, LoadErrors, sample};

/// The sample with the first `from` in a file replaced.
pub fn changed(file: &str, from: &str, to: &str) -> DefinitionFiles {
    let mut files = sample::definition_files();
    change(&mut files, file, from, to);
    files
}

/// Replaces the first `from` in a file; it must be there.
pub fn change(files: &mut DefinitionFiles, file: &str, from: &str, to: &str) {
    let text = String::from_utf8(files.get(file).unwrap().to_vec()).unwrap();
    assert!(text.contains(from), "{file} has no {from:?}");
    files.set(file, text.replacen(from, to, 1).into_bytes());
}

/// What is wrong with the files.
pub fn errors_of(files: &DefinitionFiles) -> LoadErrors {
    Definition::load(files).unwrap_err()
}

/// One thing changed in the sample: file, what is replaced by what, all that the loader says.
pub type Case<'a> = (&'a str, &'a str, &'a str, &'a str);

/// Checks that each change is refused with exactly its messages.
pub fn assert_refused(cases: &[Case<'_>]) {
    for (file, from, to, expected) in cases {
        assert_eq!(errors_of(&changed(file, from, to)).to_string(), *expected, "\n{file}: {from:?} → {to:?}");
    }
}
