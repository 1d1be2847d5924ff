//! One app's sessions meet here: its state as they see it, and their counts.

use std::{
    collections::HashMap,
    sync::{Arc, OnceLock},
};

use parking_lot::RwLock;
use tokio::sync::watch;
use tokio_tungstenite::tungstenite::Utf8Bytes;

use super::{
    counts::{Counts, RowKey},
    drain::Drain,
    pushes::Pushes,
    tally::Tallies,
};
use crate::core::{
    app::App,
    assets::Passage,
    campaign::Kind,
    frames::{Notice, ServerFrame, Target},
    names::{AppName, BuildId},
    plan::prospect,
    plan::{Level, Prospect},
};

/// Most outlooks of unregistered builds that are kept for sharing.
const MOST_OUTLOOKS: usize = 1_000;

/// One app's sessions.
pub struct Hub {
    /// Which app.
    pub name: AppName,
    /// Its sessions by build.
    pub counts: Counts,
    /// Its sessions by campaign.
    pub tallies: Tallies,
    view: watch::Sender<Arc<View>>,
}

/// An app's state as its sessions see it. What many of them need is worked out once and shared.
pub struct View {
    /// The state.
    pub app: Arc<App>,
    /// The node is going away.
    pub drain: Option<Drain>,
    /// What was pushed.
    pub pushes: Pushes,
    outlooks: RwLock<HashMap<Arc<RowKey>, Arc<Outlook>>>,
}

/// What the pages of one build have before them, with the frames that tell them so, each encoded once.
pub struct Outlook {
    /// What they have before them.
    pub prospect: Prospect,
    build: BuildId,
    standing: OnceLock<Utf8Bytes>,
    passage: OnceLock<Passage>,
    notices: RwLock<HashMap<(u64, u64, u8), Utf8Bytes>>,
}

impl Hub {
    pub(super) fn new(app: Arc<App>) -> Self {
        let name = app.name.clone();
        Self {
            name,
            counts: Counts::default(),
            tallies: Tallies::default(),
            view: watch::Sender::new(Arc::new(View::new(app, None, &Pushes::default()))),
        }
    }

    /// The view and all that follow.
    pub fn watch(&self) -> watch::Receiver<Arc<View>> {
        self.view.subscribe()
    }

    /// The view as it is now.
    pub fn view(&self) -> Arc<View> {
        self.view.borrow().clone()
    }

    /// Shows the sessions a newer state.
    pub(super) fn show(&self, app: &Arc<App>) {
        self.view.send_if_modified(|view| {
            let newer = view.app.number < app.number;
            if newer {
                *view = Arc::new(View::new(app.clone(), view.drain.clone(), &view.pushes));
            }
            newer
        });
        self.tallies.forget_all_but(app);
    }

    pub(super) fn drain(&self, drain: Drain) {
        self.view.send_modify(|view| {
            *view = Arc::new(View::new(view.app.clone(), Some(drain), &view.pushes));
        });
    }
}

impl View {
    fn new(app: Arc<App>, drain: Option<Drain>, before: &Pushes) -> Self {
        let pushes = Pushes::of(&app, before);
        Self { app, drain, pushes, outlooks: RwLock::default() }
    }

    /// What the pages counted in a row have before them.
    pub fn outlook(&self, row: &Arc<RowKey>) -> Arc<Outlook> {
        if let Some(outlook) = self.outlooks.read().get(row) {
            return outlook.clone();
        }
        let outlook = Outlook {
            build: row.build.clone(),
            prospect: prospect(&self.app, &row.build, row.reported.as_ref()),
            standing: OnceLock::new(),
            passage: OnceLock::new(),
            notices: RwLock::default(),
        };
        let mut outlooks = self.outlooks.write();
        // Rows come and go; pages that make up builds are not to fill the memory with them.
        if outlooks.len() > self.app.releases.len() + MOST_OUTLOOKS {
            return Arc::new(outlook);
        }
        outlooks.entry(row.clone()).or_insert_with(|| Arc::new(outlook)).clone()
    }

    /// What pages should be on.
    pub fn target(&self) -> Option<Target<'_>> {
        let release = self.app.current_release()?;
        Some(Target { build: &release.new.build, version: release.new.version.as_ref() })
    }

    /// The frame that tells a page its standing.
    pub fn standing_frame(&self, outlook: &Outlook) -> Utf8Bytes {
        let encode = || {
            let judged = outlook.prospect.judged;
            let frame =
                ServerFrame::Standing { standing: judged.standing, why: judged.why, current: self.target() };
            frame.encode().into()
        };
        outlook.standing.get_or_init(encode).clone()
    }

    /// The frame of a notice. None: its campaign is gone, or there is nothing to move to.
    pub fn notice_frame(&self, outlook: &Outlook, level: Level) -> Option<Utf8Bytes> {
        let key = (level.campaign.0, level.run.0, level.step);
        if let Some(frame) = outlook.notices.read().get(&key) {
            return Some(frame.clone());
        }
        let campaign = self.app.campaigns.get(&level.campaign)?;
        let ladder = outlook.prospect.ladders.iter().find(|ladder| ladder.campaign == level.campaign)?;
        let passage = self.passage(outlook)?;
        let notice = Notice {
            notice: level.campaign,
            run: level.run,
            step: level.step,
            action: level.action,
            target: self.target()?,
            severity: ladder.severity,
            // A release's reason is the operator's own note on a rollback, not meant for people in front of pages.
            reason: campaign.reason.as_deref().filter(|_| campaign.kind != Kind::Release),
            countdown_ms: campaign.terms.countdown.map(|period| period.0),
            hold_cap_ms: campaign.terms.hold_cap.map(|period| period.0),
            swap: &passage.swap,
            preload: &passage.preload,
        };
        let frame: Utf8Bytes = ServerFrame::Notice(notice).encode().into();
        outlook.notices.write().insert(key, frame.clone());
        Some(frame)
    }

    /// What takes the pages of a build to current. None: there is nothing to move to.
    fn passage<'a>(&self, outlook: &'a Outlook) -> Option<&'a Passage> {
        let current = self.app.current_release()?;
        let work_out =
            || Passage::new(self.app.release(&outlook.build).map(|release| &release.new), &current.new);
        Some(outlook.passage.get_or_init(work_out))
    }
}
