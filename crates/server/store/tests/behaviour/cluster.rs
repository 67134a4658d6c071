//! A PostgreSQL server of a test's own: a folder, a socket in it, no port.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use rolecall_store::{Address, Location};

pub(crate) struct Cluster {
    folder: tempfile::TempDir,
    programs: PathBuf,
}

impl Cluster {
    pub(crate) fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let cluster = Self {
            folder,
            programs: programs(),
        };
        cluster.give_away();
        let data = cluster.data();
        let made = cluster.run(
            "initdb",
            &[
                "--pgdata",
                &data,
                "--username=rolecall",
                "--auth=trust",
                "--no-sync",
                "--encoding=UTF8",
                "--locale=C.UTF-8",
            ],
        );
        assert!(made.status.success(), "{}", lines(&made));
        cluster.up();
        cluster
    }

    pub(crate) fn up(&self) {
        let options = format!(
            "-c listen_addresses= -c unix_socket_directories={} -c max_connections=40 -c fsync=off",
            self.folder.path().display()
        );
        let log = self.folder.path().join("log").display().to_string();
        let started = self.run(
            "pg_ctl",
            &[
                "--pgdata",
                &self.data(),
                "--options",
                &options,
                "--log",
                &log,
                "--wait",
                "start",
            ],
        );
        assert!(started.status.success(), "{}", lines(&started));
    }

    pub(crate) fn down(&self) {
        let stopped = self.run(
            "pg_ctl",
            &[
                "--pgdata",
                &self.data(),
                "--mode=immediate",
                "--wait",
                "stop",
            ],
        );
        assert!(stopped.status.success(), "{}", lines(&stopped));
    }

    pub(crate) fn location(&self) -> Location {
        self.database("postgres")
    }

    pub(crate) fn database(&self, name: &str) -> Location {
        let socket = self.folder.path().display();
        let address = format!("host={socket} user=rolecall dbname={name}");
        Location::Postgres(Address::parse(&address).unwrap())
    }

    /// One statement, by the client that comes with the server.
    pub(crate) fn sql(&self, statement: &str) -> String {
        let socket = self.folder.path().display().to_string();
        let answered = self.run(
            "psql",
            &[
                "--host",
                &socket,
                "--username=rolecall",
                "--dbname=postgres",
                "--no-align",
                "--tuples-only",
                "--command",
                statement,
            ],
        );
        assert!(answered.status.success(), "{}", lines(&answered));
        String::from_utf8(answered.stdout)
            .unwrap()
            .trim()
            .to_owned()
    }

    fn data(&self) -> String {
        self.folder.path().join("data").display().to_string()
    }

    /// PostgreSQL does not run as root: it runs as the user that its package made.
    fn run(&self, program: &str, arguments: &[&str]) -> Output {
        let program = self.programs.join(program);
        let mut command = if rustix::process::getuid().is_root() {
            let mut command = Command::new("setpriv");
            command.args(["--reuid=postgres", "--regid=postgres", "--clear-groups"]);
            command.arg(program);
            command
        } else {
            Command::new(program)
        };
        command.args(arguments);
        command.current_dir("/").output().unwrap()
    }

    fn give_away(&self) {
        if rustix::process::getuid().is_root() {
            let given = Command::new("chown")
                .arg("postgres:postgres")
                .arg(self.folder.path())
                .status();
            assert!(given.unwrap().success());
        }
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        let data = self.data();
        let _ = self.run(
            "pg_ctl",
            &["--pgdata", &data, "--mode=immediate", "--wait", "stop"],
        );
    }
}

/// The newest of Debian's, or whatever is on the path.
fn programs() -> PathBuf {
    let mut versions: Vec<PathBuf> = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .map(|entry| entry.unwrap().path().join("bin"))
        .filter(|bin| bin.join("initdb").is_file())
        .collect();
    versions.sort();
    let on_path = std::env::var_os("PATH")
        .and_then(|paths| std::env::split_paths(&paths).find(|one| one.join("initdb").is_file()));
    versions
        .pop()
        .or(on_path)
        .unwrap_or_else(|| panic!("PostgreSQL is missing: ./check installs it"))
}

fn lines(output: &Output) -> String {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    text(&output.stdout) + &text(&output.stderr)
}

/// For a folder of the state beside it.
pub(crate) fn scratch() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

pub(crate) fn folder(scratch: &tempfile::TempDir) -> Location {
    Location::Folder(Path::new(scratch.path()).to_path_buf())
}
