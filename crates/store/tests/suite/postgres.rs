//! A server of its own for one test, with nothing in it: on a socket in a directory, so that no port is taken.

use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A server that runs until this goes.
pub(crate) struct Postgres {
    programs: PathBuf,
    directory: PathBuf,
    /// Whom the server runs as where this runs as root, which it refuses.
    user: Option<String>,
}

impl Postgres {
    /// Starts one with its data below `directory`; why not, where none can be had here.
    pub(crate) fn start(directory: &Path) -> Result<Self, String> {
        let programs =
            programs().ok_or("PostgreSQL is not installed: neither initdb in PATH nor in /usr/lib/postgresql")?;
        let is_root = std::fs::metadata("/proc/self").is_ok_and(|own| own.uid() == 0);
        let user = is_root.then(|| "postgres".to_owned());
        let server = Self { programs, directory: directory.to_owned(), user };
        if let Some(user) = &server.user {
            let status = Command::new("chown").args([user.as_str(), &directory.to_string_lossy()]).status();
            if !status.is_ok_and(|status| status.success()) {
                return Err(format!("PostgreSQL refuses to run as root, and there is no user {user}"));
            }
        }
        let data = server.data();
        server
            .run("initdb", &["-D", &data, "-U", "hub", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync"])?;
        let options =
            format!("-c listen_addresses='' -c unix_socket_directories='{}' -c fsync=off", directory.display());
        // Comes back when the server answers.
        server.run("pg_ctl", &["-D", &data, "-w", "-o", &options, "-l", &format!("{data}.log"), "start"])?;
        Ok(server)
    }

    fn data(&self) -> String {
        self.directory.join("data").to_string_lossy().into_owned()
    }

    /// How it is reached.
    pub(crate) fn url(&self) -> String {
        format!("postgres://hub@localhost/postgres?host={}", self.directory.display())
    }

    fn run(&self, program: &str, arguments: &[&str]) -> Result<(), String> {
        let path = self.programs.join(program);
        let mut command = match &self.user {
            Some(user) => {
                let mut command = Command::new("setpriv");
                command.args(["--reuid", user, "--regid", user, "--clear-groups"]).arg(&path);
                command
            }
            None => Command::new(&path),
        };
        // The server keeps what it is given open.
        let status =
            command.args(arguments).current_dir("/").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        match status.status() {
            Ok(status) if status.success() => Ok(()),
            Ok(status) => Err(format!("{} {} ends with {status}", path.display(), arguments.join(" "))),
            Err(error) => Err(format!("cannot run {}: {error}", path.display())),
        }
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        let _ = self.run("pg_ctl", &["-D", &self.data(), "-m", "immediate", "stop"]);
    }
}

/// Where the programs are: Debian has those of each version apart.
#[expect(clippy::disallowed_methods, reason = "no setting of the program: where a test finds another")]
fn programs() -> Option<PathBuf> {
    let paths = std::env::var_os("PATH").unwrap_or_default();
    let mut found: Vec<PathBuf> = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten()
        .map(|version| version.path().join("bin"))
        .collect();
    found.sort();
    std::env::split_paths(&paths).chain(found.into_iter().rev()).find(|path| path.join("initdb").is_file())
}
