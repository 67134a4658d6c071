//! A PostgreSQL server of the run's own: a folder, a socket in it, no port. What it commits is on
//! disk, unlike in tests.

use std::path::PathBuf;
use std::process::Command;

use rolecall_store::{Address, Location};

pub(crate) struct Cluster {
    folder: tempfile::TempDir,
    programs: PathBuf,
}

impl Cluster {
    pub(crate) fn start() -> Self {
        let cluster = Self {
            folder: tempfile::tempdir().unwrap(),
            programs: programs(),
        };
        if is_root() {
            let mut chown = Command::new("chown");
            let given = chown.arg("postgres:postgres").arg(cluster.folder.path());
            assert!(given.status().unwrap().success());
        }
        let (data, socket) = (cluster.path("data"), cluster.path(""));
        let log = cluster.path("log");
        let options = format!(
            "-c listen_addresses= -c unix_socket_directories={socket} -c fsync=on -c synchronous_commit=on"
        );
        cluster.run("initdb", &["-D", &data, "-U", "rolecall", "-A", "trust"]);
        cluster.run(
            "pg_ctl",
            &["-D", &data, "-o", &options, "-l", &log, "-w", "start"],
        );
        cluster
    }

    pub(crate) fn new_database(&self, name: &str) -> Location {
        let socket = self.path("");
        self.run("createdb", &["-h", &socket, "-U", "rolecall", name]);
        let address = format!("host={socket} user=rolecall dbname={name}");
        Location::Postgres(Address::parse(&address).unwrap())
    }

    fn path(&self, name: &str) -> String {
        self.folder.path().join(name).display().to_string()
    }

    /// PostgreSQL does not run as root: it runs as the user that its package made.
    fn run(&self, program: &str, arguments: &[&str]) {
        let program = self.programs.join(program);
        let mut command = match is_root() {
            true => {
                let mut command = Command::new("setpriv");
                command.args(["--reuid=postgres", "--regid=postgres", "--clear-groups"]);
                command.arg(program);
                command
            }
            false => Command::new(program),
        };
        command.args(arguments).current_dir("/");
        let ran = command.stdout(std::process::Stdio::null()).status();
        assert!(ran.unwrap().success(), "{command:?}");
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        self.run(
            "pg_ctl",
            &["-D", &self.path("data"), "-m", "fast", "-w", "stop"],
        );
    }
}

fn is_root() -> bool {
    use std::os::unix::fs::MetadataExt as _;
    std::fs::metadata("/proc/self").unwrap().uid() == 0
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
