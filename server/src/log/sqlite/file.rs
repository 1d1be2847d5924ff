//! The file itself: making it, opening it, and refusing what must not be opened.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use rusqlite::{Connection, ErrorCode, OpenFlags};

/// Marks the file as ours ("Frsh").
const APPLICATION_ID: i32 = 0x4672_7368;
/// The tables as this version knows them.
pub(super) const SCHEMA: i32 = 1;

const TABLES: &str = "
    CREATE TABLE entries (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        topic TEXT NOT NULL,
        id BLOB NOT NULL UNIQUE,
        entry TEXT NOT NULL
    ) STRICT;
    CREATE INDEX entries_by_topic ON entries (topic, number);
    CREATE TABLE side (
        kind TEXT NOT NULL,
        key TEXT NOT NULL,
        value TEXT NOT NULL,
        updated_at INTEGER NOT NULL,
        PRIMARY KEY (kind, key)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX side_by_age ON side (kind, updated_at);
";

/// Why a log can't be opened. The text says what to do.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The folder can't be made or locked.
    #[error("the data folder {} can't be used: {source}", folder.display())]
    Folder {
        /// Which one.
        folder: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// Another process has it.
    #[error(
        "the data folder {} is in use by {holder}; stop that first, or choose another folder with --data",
        folder.display()
    )]
    InUse {
        /// Which one.
        folder: PathBuf,
        /// By whom.
        holder: String,
    },
    /// A later version of this program wrote it.
    #[error(
        "{} was written by a newer version of freshwire (its schema is {found}, this one knows {SCHEMA}); \
         start that version, or choose another folder with --data",
        file.display()
    )]
    Newer {
        /// The file.
        file: PathBuf,
        /// Its schema.
        found: i32,
    },
    /// Some other program's file.
    #[error("{} is not a store of freshwire; move it away, or choose another folder with --data", file.display())]
    Foreign {
        /// The file.
        file: PathBuf,
    },
    /// What is in it can't be trusted.
    #[error(
        "the store {} is damaged ({reason}), and to serve a part of it could undo changes. To recover, put back a copy \
         of the folder; or save what can be read, then start again and look whether the log is as you know it:\n  \
         cd '{}' && mkdir damaged && mv freshwire.db* damaged && \
         (sqlite3 damaged/freshwire.db .dump | sed 's/^ROLLBACK.*/COMMIT;/'; \
         echo 'PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = {SCHEMA};') | sqlite3 freshwire.db\n\
         Where .dump finds nothing, .recover may; some distributions' sqlite3 lacks it, that of sqlite.org has it.",
        file.display(),
        file.parent().unwrap_or(file).display()
    )]
    Damaged {
        /// The file.
        file: PathBuf,
        /// How it shows.
        reason: String,
    },
    /// Somebody moved the file away, but not what belongs to it.
    #[error(
        "the store {file} is missing, though its last changes are still in {file}-wal; put it back, or move that \
         away too and begin with an empty log",
        file = file.display()
    )]
    Missing {
        /// The file.
        file: PathBuf,
    },
    /// The file can't be read or written at all.
    #[error("the store {} can't be opened: {reason}", file.display())]
    Unavailable {
        /// The file.
        file: PathBuf,
        /// What the store says.
        reason: String,
    },
    /// The system gives us no thread.
    #[error("the store's thread can't be started: {0}")]
    Thread(io::Error),
}

/// Where the file lies in its folder.
pub(super) fn path_in(folder: &Path) -> PathBuf {
    folder.join("freshwire.db")
}

/// Opens the file of a folder for writing, makes it where there is none, and looks at all of it.
pub(super) fn open_checked(folder: &Path) -> Result<Connection, OpenError> {
    let file = path_in(folder);
    if !file.exists() {
        // SQLite would take it for that of the file that we are about to make.
        if folder.join("freshwire.db-wal").exists() {
            return Err(OpenError::Missing { file });
        }
        create(folder, &file)
            .map_err(|error| OpenError::Unavailable { file: file.clone(), reason: error.to_string() })?;
    }
    let connection = open_writer(&file).map_err(|error| explain(&file, &error))?;
    check_identity(&connection, &file)?;
    let faults = faults(&connection).map_err(|error| explain(&file, &error))?;
    if faults.is_empty() {
        Ok(connection)
    } else {
        Err(OpenError::Damaged { file, reason: faults.join("; ") })
    }
}

/// A connection that writes, to a file that exists.
pub(super) fn open_writer(file: &Path) -> rusqlite::Result<Connection> {
    let connection = Connection::open_with_flags(file, flags(OpenFlags::SQLITE_OPEN_READ_WRITE))?;
    // Asked for every time: a file put back by hand may have another one.
    connection.pragma_update(None, "journal_mode", "wal")?;
    connection.pragma_update(None, "synchronous", "full")?;
    Ok(connection)
}

/// A connection that only reads.
pub(super) fn open_reader(file: &Path) -> rusqlite::Result<Connection> {
    Connection::open_with_flags(file, flags(OpenFlags::SQLITE_OPEN_READ_ONLY))
}

/// What an error of the store means for somebody who wants to open it.
pub(super) fn explain(file: &Path, error: &rusqlite::Error) -> OpenError {
    let (file, reason) = (file.to_owned(), error.to_string());
    match error.sqlite_error_code() {
        Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt) => OpenError::Damaged { file, reason },
        _ => OpenError::Unavailable { file, reason },
    }
}

/// Each connection stays within one thread at a time, so SQLite's own mutex has nothing to do.
fn flags(access: OpenFlags) -> OpenFlags {
    access | OpenFlags::SQLITE_OPEN_NO_MUTEX
}

/// Makes the file under another name first: one that is empty or half made is then always a damaged one.
fn create(folder: &Path, file: &Path) -> Result<(), Box<dyn std::error::Error>> {
    let fresh = folder.join("freshwire.db.new");
    if fresh.exists() {
        fs::remove_file(&fresh)?;
    }
    let access = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE;
    let mut connection = Connection::open_with_flags(&fresh, flags(access))?;
    connection.pragma_update(None, "synchronous", "full")?;
    let transaction = connection.transaction()?;
    transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
    transaction.pragma_update(None, "user_version", SCHEMA)?;
    transaction.execute_batch(TABLES)?;
    transaction.commit()?;
    connection.close().map_err(|(_, error)| error)?;
    fs::rename(&fresh, file)?;
    // The rename itself is durable only when the folder is.
    fs::File::open(folder)?.sync_all()?;
    Ok(())
}

fn check_identity(connection: &Connection, file: &Path) -> Result<(), OpenError> {
    let ask = |pragma| connection.pragma_query_value(None, pragma, |row| row.get::<_, i32>(0));
    let application = ask("application_id").map_err(|error| explain(file, &error))?;
    let schema = ask("user_version").map_err(|error| explain(file, &error))?;
    match (application, schema) {
        (APPLICATION_ID, SCHEMA) => Ok(()),
        (APPLICATION_ID, found) if found > SCHEMA => Err(OpenError::Newer { file: file.to_owned(), found }),
        // An empty file has neither: `create` never leaves one.
        (0, 0) if is_blank(connection) => {
            Err(OpenError::Damaged { file: file.to_owned(), reason: "it is empty".into() })
        }
        _ => Err(OpenError::Foreign { file: file.to_owned() }),
    }
}

fn is_blank(connection: &Connection) -> bool {
    let tables = connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get::<_, i64>(0));
    tables.is_ok_and(|tables| tables == 0)
}

/// What is wrong with the file; nothing in a sound one. All pages are looked at, but only the log's indexes are held
/// against their table: they keep an entry from being there twice, and the log is small beside the side table.
fn faults(connection: &Connection) -> rusqlite::Result<Vec<String>> {
    let mut faults = Vec::new();
    for check in ["PRAGMA quick_check(1)", "PRAGMA integrity_check(entries)"] {
        let found: String = connection.query_row(check, [], |row| row.get(0))?;
        if found != "ok" {
            // It says on which page, after a line that names the database.
            faults.push(found.lines().last().unwrap_or_default().to_owned());
        }
    }
    faults.dedup();
    Ok(faults)
}
