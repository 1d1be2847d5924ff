//! How many pages a selection takes, wherever they are. Builds and standings are counted anyway; only labels, and a build
//! among too many unregistered ones, take a walk through the sessions, on each node through its own.

use std::collections::BTreeMap;

use futures_util::future::join_all;

use super::{
    Fleet,
    errand::{Answer, Question},
    listing::ANSWERS_WITHIN,
};
use crate::core::{
    app::App,
    census::{BuildCount, merge},
    judge::judge,
    names::BuildId,
    order::Version,
    select::Select,
};

impl Fleet {
    /// An app's connected sessions that a selection takes, by build. Those of nodes that don't answer are left out.
    pub async fn selected(&self, app: &App, select: &Select) -> Vec<BuildCount> {
        let counted = self.counts(&app.name);
        let own_row = |build: &BuildId| counted.iter().any(|count| count.build == *build);
        if select.labels.is_empty() && select.build.as_ref().is_none_or(own_row) {
            let none = BTreeMap::new();
            let takes = |count: &BuildCount| {
                takes(select, app, &count.build, count.reported.as_ref(), (&count.build, &none))
            };
            return counted.into_iter().filter(takes).collect();
        }
        let question = Question::Selected { app: app.name.clone(), select: select.clone() };
        let peers = self.peers();
        let asked = peers.iter().map(|peer| self.ask(peer, &question, ANSWERS_WITHIN));
        let mut all = self.own_selected(app, select);
        for answer in join_all(asked).await {
            if let Ok(Answer::Selected { counts }) = answer {
                all.extend(counts);
            }
        }
        merge(all)
    }

    /// The same of this node's, one by one.
    pub(super) fn own_selected(&self, app: &App, select: &Select) -> Vec<BuildCount> {
        self.registry.count(&app.name, |slot| {
            takes(select, app, &slot.row.build, slot.row.reported.as_ref(), (&slot.build, &slot.labels))
        })
    }
}

/// `row` and `reported` are what a page is counted by, which for the many unregistered ones is not its own build.
fn takes(
    select: &Select,
    app: &App,
    row: &BuildId,
    reported: Option<&Version>,
    (build, labels): (&BuildId, &BTreeMap<String, String>),
) -> bool {
    select.takes(judge(app, row, reported).standing, build, labels)
}
