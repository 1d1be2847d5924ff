//! Reading the log: its history, and following its tail.

use std::sync::Arc;

use futures_util::stream::BoxStream;
use rusqlite::{Connection, Row, params};
use tokio::sync::watch;

use super::readers::Readers;
use crate::{
    core::{
        change::{Entry, Topic},
        names::LogNumber,
    },
    log::{
        LogError,
        stored::{Writers, decode},
        tail,
    },
};

/// Entries that a follower reads at once while it catches up.
const PAGE: i64 = 500;

/// A row as it is stored, not yet understood.
type Stored = (LogNumber, String, String);

/// SQLite counts in signed numbers. No log gets as far as their end.
pub(super) fn to_sql(number: LogNumber) -> i64 {
    i64::try_from(number.0).unwrap_or(i64::MAX)
}

/// See [`to_sql`].
pub(super) fn from_sql(number: i64) -> LogNumber {
    LogNumber(u64::try_from(number).unwrap_or(0))
}

/// The number of the last entry; 0 in an empty log.
pub(super) fn last_number(connection: &Connection) -> rusqlite::Result<LogNumber> {
    let last = connection.query_row("SELECT coalesce(max(number), 0) FROM entries", [], |row| row.get(0))?;
    Ok(from_sql(last))
}

/// Entries of a topic before a number, newest first.
pub(super) async fn history(
    readers: &Arc<Readers>,
    topic: Topic,
    before: Option<LogNumber>,
    limit: usize,
) -> Result<Vec<Entry>, LogError> {
    let before = before.map_or(i64::MAX, to_sql);
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let query = move |connection: &Connection| {
        connection
            .prepare_cached(
                "SELECT number, topic, entry FROM entries WHERE topic = ?1 AND number < ?2 ORDER BY number DESC LIMIT ?3",
            )?
            .query_map(params![topic.to_string(), before, limit], stored)?
            .collect::<rusqlite::Result<Vec<_>>>()
    };
    let rows = readers.read(query).await.map_err(LogError::Unavailable)?;
    Ok(rows.into_iter().map(understand).collect())
}

/// All entries after a number, and then those that come. It ends when the log is closed.
pub(super) fn follow(
    readers: Arc<Readers>,
    last: watch::Receiver<LogNumber>,
    after: LogNumber,
) -> BoxStream<'static, Result<Entry, LogError>> {
    tail::follow(last, after, move |numbers| read_page(readers.clone(), LogNumber(*numbers.start())))
}

async fn read_page(readers: Arc<Readers>, from: LogNumber) -> Result<tail::Page, LogError> {
    let query = move |connection: &Connection| {
        connection
            .prepare_cached(
                "SELECT number, topic, entry FROM entries WHERE number >= ?1 ORDER BY number LIMIT ?2",
            )?
            .query_map(params![to_sql(from), PAGE], stored)?
            .collect::<rusqlite::Result<Vec<_>>>()
    };
    let rows = readers.read(query).await.map_err(LogError::Unavailable)?;
    Ok(rows.into_iter().map(understand).collect())
}

fn stored(row: &Row<'_>) -> rusqlite::Result<Stored> {
    Ok((from_sql(row.get(0)?), row.get(1)?, row.get(2)?))
}

fn understand((number, topic, entry): Stored) -> Entry {
    decode(number, &topic, entry.as_bytes(), Writers::OnlyUs)
}
