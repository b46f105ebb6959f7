//! A disk that fails, for one process and without any right: a library that is preloaded (`disk_faults.c`).

use crate::{preload, services::Service};
use std::{
    error::Error,
    fs, io,
    path::{Path, PathBuf},
};

/// The library's source.
const SOURCE: &str = include_str!("disk_faults.c");

/// What goes wrong with a disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// Every write fails: no space left.
    Full,
    /// Every sync fails.
    Sync,
    /// The process dies at its n-th write or sync, counted from its start.
    KillAt(u32),
}

/// The disk of one gateway's journal.
#[derive(Debug, Clone)]
pub struct Disk {
    order: PathBuf,
}

impl Disk {
    /// Puts a disk that obeys under a gateway's journal, from the gateway's next start on.
    ///
    /// # Errors
    /// When there is no C compiler, or the folder cannot be written.
    pub fn under(gateway: &mut Service, folder: &Path) -> Result<Self, Box<dyn Error>> {
        let folder = folder.canonicalize()?;
        let library = preload::compiled(&folder, "disk_faults", SOURCE)?;
        let disk = Self::of(gateway, &folder);
        let journal = folder.join(gateway.journal().file_name().unwrap_or_default());
        for (name, value) in
            [("LD_PRELOAD", &library), ("HATTAMA_FAULT_DIR", &journal), ("HATTAMA_FAULT_ORDER", &disk.order)]
        {
            gateway.variable(name, value);
        }
        Ok(disk)
    }

    /// The disk that was put under a gateway.
    #[must_use]
    pub fn of(gateway: &Service, folder: &Path) -> Self {
        Self { order: folder.join(format!("{}-disk", gateway.name)) }
    }

    /// From now on this goes wrong.
    ///
    /// # Errors
    /// When the order cannot be written.
    pub fn order(&self, order: Order) -> io::Result<()> {
        let text = match order {
            Order::Full => "full".to_owned(),
            Order::Sync => "sync".to_owned(),
            Order::KillAt(call) => format!("kill {call}"),
        };
        // As one step: a reader sees the whole order or none.
        let unfinished = self.order.with_extension("new");
        fs::write(&unfinished, text)?;
        fs::rename(unfinished, &self.order)
    }

    /// From now on all is well.
    ///
    /// # Errors
    /// When the order cannot be taken back.
    pub fn heal(&self) -> io::Result<()> {
        match fs::remove_file(&self.order) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Command;

    /// Writes one byte and, with a second argument, syncs it.
    const WRITER: &str = r#"
        #include <fcntl.h>
        #include <unistd.h>
        int main(int arguments, char **argument) {
            int file = open(argument[1], O_WRONLY | O_CREAT | O_TRUNC, 0600);
            return file < 0 || write(file, "0", 1) != 1 || (arguments > 2 && fsync(file) != 0);
        }
    "#;

    /// Nothing but the C compiler that the library needs too.
    fn writer(folder: &Path) {
        let (source, program) = (folder.join("writer.c"), folder.join("writer"));
        fs::write(&source, WRITER).unwrap();
        assert!(Command::new("cc").arg("-o").arg(&program).arg(&source).status().unwrap().success());
    }

    fn writes(folder: &Path, library: &Path, sync: bool) -> std::process::ExitStatus {
        let mut command = Command::new(folder.join("writer"));
        command.arg(folder.join("journal"));
        if sync {
            command.arg("sync");
        }
        command.env("LD_PRELOAD", library).env("HATTAMA_FAULT_DIR", folder);
        command.env("HATTAMA_FAULT_ORDER", folder.join("order")).status().unwrap()
    }

    #[test]
    fn a_disk_does_what_it_is_ordered() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path().canonicalize().unwrap();
        let library = preload::compiled(&folder, "disk_faults", SOURCE).unwrap();
        writer(&folder);
        let disk = Disk { order: folder.join("order") };
        assert!(writes(&folder, &library, true).success());
        disk.order(Order::Full).unwrap();
        assert!(!writes(&folder, &library, false).success());
        disk.order(Order::Sync).unwrap();
        assert!(writes(&folder, &library, false).success());
        assert!(!writes(&folder, &library, true).success());
        disk.order(Order::KillAt(1)).unwrap();
        assert_eq!(writes(&folder, &library, false).code(), None);
        disk.heal().unwrap();
        assert!(writes(&folder, &library, true).success());
    }
}
