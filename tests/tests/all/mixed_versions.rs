//! Nodes of several versions: nothing is written that one of them wouldn't understand.

use std::sync::Arc;

use freshwire::{
    core::{
        app::Refusal,
        change::{AppChange, Change, FOLD, Settings},
        names::LogNumber,
        state::State,
        time::Moment,
    },
    log::{
        Log,
        ledger::{Least, Ledger, Proposal, ProposeError},
        sqlite::SqliteLog,
    },
};
use freshwire_tests::drafts::{app, topic};
use tempfile::tempdir;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

#[tokio::test]
async fn a_change_that_some_node_does_not_understand_is_not_written() {
    let folder = tempdir().unwrap();
    let log: Arc<dyn Log> = Arc::new(SqliteLog::open(folder.path()).unwrap());
    let (tasks, stop) = (TaskTracker::new(), CancellationToken::new());
    let ledger = Ledger::open(log.clone(), &tasks, stop.clone()).await.unwrap();
    let proposal = Proposal { actor: "ada".into(), request: None, if_number: None, topic: topic("web") };
    let change = |_: &State| -> Result<Change, Refusal> {
        Ok(Change::App { app: app("web"), change: AppChange::Settings(Settings::default()) })
    };
    let now = || Moment(1_700_000_000_000);

    ledger.spare(Some(Least { node: "old-one".into(), fold: 0 }));
    let dry = ledger.try_out(&proposal, now(), change).err();
    let wet = ledger.propose(&proposal, now, change).await.err();
    for error in [dry, wet] {
        let Some(ProposeError::Unavailable { reason, decided: true }) = error else { panic!("{error:?}") };
        assert!(reason.contains("node 'old-one'"), "{reason}");
    }
    assert_eq!(log.last().await.unwrap(), LogNumber(0));

    // It was brought up to date, or has gone.
    for (index, least) in [Some(Least { node: "old-one".into(), fold: FOLD }), None].into_iter().enumerate() {
        ledger.spare(least);
        let accepted = ledger.propose(&proposal, now, change).await.unwrap();
        assert_eq!(accepted.number, LogNumber(index as u64 + 1));
    }
    stop.cancel();
}
