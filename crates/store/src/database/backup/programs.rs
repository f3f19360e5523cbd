//! Copies of a PostgreSQL database, by PostgreSQL's own programs: they know what belongs to it.

use std::ffi::OsStr;
use std::io::ErrorKind;
use std::path::Path;
use std::process::Stdio;

use secrecy::ExposeSecret;
use tokio::process::Command;

use super::BackupError;
use crate::database::{PostgresAddress, Tls};

const DUMP: &str = "pg_dump";
const RESTORE: &str = "pg_restore";

/// Writes an archive of the database into an empty file.
pub(super) async fn dump(address: &PostgresAddress, to: &Path) -> Result<(), BackupError> {
    // Its own words are about the dump; what the connection is about is told apart here.
    address.greet().await.map_err(crate::StoreError::from)?;
    run(
        address,
        DUMP,
        ["--format=custom".as_ref(), "--no-owner".as_ref(), "--file".as_ref(), to.as_os_str()],
    )
    .await?;
    Ok(())
}

/// Whether there is an archive of our tables at `path`, and a program that reads it.
pub(super) async fn check(address: &PostgresAddress, path: &Path) -> Result<(), BackupError> {
    let no_copy = |problem| BackupError::NoCopy { path: path.to_owned(), problem };
    let listed = run(address, RESTORE, ["--list".as_ref(), path.as_os_str()]).await;
    let listed = listed.map_err(|error| match error {
        BackupError::Program { said, .. } => no_copy(said),
        other => other,
    })?;
    let ours = listed.contains(" TABLE DATA public seaql_migrations ");
    if ours { Ok(()) } else { Err(no_copy("its tables are not there".to_owned())) }
}

/// Fills the database from an archive, all or nothing.
pub(super) async fn restore(address: &PostgresAddress, path: &Path) -> Result<(), BackupError> {
    let arguments = ["--clean", "--if-exists", "--no-owner", "--single-transaction", "--exit-on-error"];
    let arguments = arguments.map(OsStr::new).into_iter();
    let database = [OsStr::new("--dbname"), OsStr::new(&address.database), path.as_os_str()];
    run(address, RESTORE, arguments.chain(database)).await?;
    Ok(())
}

/// Runs a program; what it printed. Others on the machine read its arguments: what it has to know of
/// the server, and the password above all, is in its environment alone.
async fn run<'a>(
    address: &PostgresAddress,
    program: &'static str,
    arguments: impl IntoIterator<Item = &'a OsStr>,
) -> Result<String, BackupError> {
    let mut command = Command::new(program);
    command.args(arguments).envs(settings(address)).stdin(Stdio::null()).kill_on_drop(true);
    match &address.password {
        Some(password) => command.env("PGPASSWORD", password.expose_secret()),
        None => command.env_remove("PGPASSWORD"),
    };
    let output = command.output().await.map_err(|error| match error.kind() {
        ErrorKind::NotFound => BackupError::NoProgram(program),
        _ => BackupError::Program { program, said: error.to_string() },
    })?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let words = String::from_utf8_lossy(&output.stderr);
    let last = words.lines().map(str::trim).rfind(|line| !line.is_empty());
    let said = last.map_or_else(
        || output.status.to_string(),
        |line| line.strip_prefix(program).unwrap_or(line).trim_start_matches(": ").to_owned(),
    );
    Err(BackupError::Program { program, said })
}

/// libpq, "Environment Variables".
fn settings(address: &PostgresAddress) -> Vec<(&'static str, String)> {
    let sslmode = match address.tls {
        Tls::Off => "disable",
        Tls::Prefer => "prefer",
        Tls::Require => "require",
        Tls::VerifyCa => "verify-ca",
        Tls::VerifyFull => "verify-full",
    };
    // Without a file of its own libpq verifies by one in the home folder, which need not be there.
    let roots = match (&address.root_certificates, address.tls) {
        (Some(path), _) => path.display().to_string(),
        (None, Tls::VerifyFull) => "system".to_owned(),
        (None, _) => String::new(),
    };
    vec![
        ("PGHOST", address.host.clone()),
        ("PGPORT", address.port.to_string()),
        ("PGUSER", address.user.clone()),
        ("PGDATABASE", address.database.clone()),
        ("PGSSLMODE", sslmode.to_owned()),
        ("PGSSLROOTCERT", roots),
        ("PGAPPNAME", "pullwright db".to_owned()),
        ("PGCONNECT_TIMEOUT", "5".to_owned()),
    ]
}
