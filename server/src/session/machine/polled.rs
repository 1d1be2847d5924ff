//! The machine of a page that polls. Between two polls it is parked; each poll brings a hello, by which it goes on.

use tokio_tungstenite::tungstenite::Utf8Bytes;

use super::{Now, Open, Session, welcome};
use crate::{
    core::{
        frames::{Hello, Seen},
        outcome::{Outcome, Record},
    },
    fleet::hub::View,
    session::reconcile::sight,
};

impl Session {
    /// A hello is of the page whose session this is, as it was. Of another build, say, it begins anew.
    pub(in crate::session) fn is_of(&self, hello: &Hello) -> bool {
        let slot = self.membership.slot();
        !slot.was_replaced()
            && hello.resume.as_deref().is_some_and(|resume| slot.is_resumed_by(resume))
            && hello.app == slot.hub.name.as_str()
            && hello.build == slot.build
            && hello.version == slot.reported
            && hello.labels == slot.labels
            && hello.frame == slot.frame
    }

    /// The page is back, and says how it is and what it has seen. Answers with its welcome.
    pub(in crate::session) fn hear_again(&mut self, hello: &Hello, view: &View, now: Now) -> Utf8Bytes {
        self.heard(now);
        self.membership.slot().set_page(hello.page.clone());
        let told = |seen: &&Seen| {
            let same = (seen.notice, seen.run, seen.step);
            let sights = &mut self.sights.iter();
            self.open.is_some_and(|open| open.notice == seen.notice)
                && sights.any(|told| (told.campaign, told.run, told.step) == same)
        };
        if let Some(seen) = hello.seen.iter().find(told) {
            self.acknowledge_by = None;
            self.change_open(|record| {
                let said = seen.is.or(record.outcome).unwrap_or(Outcome::Received);
                if record.outcome != Some(said) {
                    record.report(said, None);
                }
            });
        }
        self.pushed.back_to(hello.pushed, view, self.membership.slot().id, now.wall);
        let outlook = view.outlook(&self.membership.slot().row);
        self.judged = outlook.prospect.judged;
        self.current.clone_from(&view.app.current);
        welcome(&self.membership, view, self.judged)
    }

    /// What the page is owed after all that it had to say.
    pub(in crate::session) fn catch_up(&mut self, seen: &[Seen], view: &View, now: Now) -> Vec<Utf8Bytes> {
        // An answer can be lost on its way. What the page has neither seen nor reported on, it was not told.
        let unheard = |record: &Record| record.outcome.is_none() && !record.state.ended();
        let lost = |open: &Open| self.membership.record(open.campaign).is_some_and(|record| unheard(&record));
        if let Some(Open { notice, .. }) = self.open.filter(lost) {
            self.sights.retain(|sight| sight.campaign != notice);
            let own = seen.iter().filter(|seen| seen.notice == notice);
            self.sights.extend(own.map(|seen| sight(seen, now.wall)));
        }
        let mut frames = Vec::new();
        let outlook = view.outlook(&self.membership.slot().row);
        self.replan(view, &outlook, now, &mut frames);
        self.push(view, now, &mut frames);
        frames
    }
}
