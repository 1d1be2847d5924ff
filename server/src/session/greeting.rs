//! From a page's first frame to its session.

use std::sync::Arc;

use tokio::sync::watch;
use tokio_tungstenite::tungstenite::Utf8Bytes;

use super::{
    close::Close,
    machine::{Now, Session},
};
use crate::{
    core::frames::{Frame, Hello, PageFrame},
    fleet::{
        Fleet,
        hub::{Hub, View},
        records::Returned,
        slot::{Arrival, Transport},
    },
};

/// What the connection itself says of a page.
#[derive(Clone, Debug, Default)]
pub struct Client {
    /// The origin that its page was loaded from.
    pub origin: Option<Box<str>>,
    /// As its browser says it.
    pub user_agent: Option<Arc<str>>,
    /// How it reaches us.
    pub transport: Transport,
}

/// A session that has begun: the machine, the states it is to be told of, and what to send first.
pub struct Begun {
    /// The machine.
    pub session: Session,
    /// Its app's states from now on.
    pub views: watch::Receiver<Arc<View>>,
    /// What to send first.
    pub frames: Vec<Utf8Bytes>,
}

/// A frame of a page, or why it can't be one.
pub fn parse(text: &str) -> Result<PageFrame, Close> {
    PageFrame::parse(text).map_err(|error| {
        // The error names what was expected and where, but quotes nothing of the frame but short names and values.
        Close::BadMessage(format!("{error}").into())
    })
}

/// Takes in a page's first frame. If it comes from another node, that one is asked for what it has of it first.
pub async fn arrive(fleet: &Arc<Fleet>, client: Client, text: &str) -> Result<Begun, Close> {
    let mut hello = first(text)?;
    // Before its node gives it up: who may not come in stays where it is.
    let hub = admit(fleet, &client, &hello)?;
    let brought = fleet.fetch(&mut hello).await;
    Ok(begin(fleet, &hub, client, *hello, brought, Now::read()))
}

/// The same where there are no other nodes.
pub fn greet(fleet: &Arc<Fleet>, client: Client, text: &str, now: Now) -> Result<Begun, Close> {
    let hello = first(text)?;
    let hub = admit(fleet, &client, &hello)?;
    Ok(begin(fleet, &hub, client, *hello, None, now))
}

fn first(text: &str) -> Result<Box<Hello>, Close> {
    match parse(text)? {
        PageFrame::Hello(hello) => Ok(hello),
        _ => Err(Close::BadMessage("the first frame must be a hello".into())),
    }
}

/// The hub of the app that a page asks for, if it may come in.
pub(super) fn admit(fleet: &Fleet, client: &Client, hello: &Hello) -> Result<Arc<Hub>, Close> {
    let name = hello.app.parse().map_err(|_| Close::UnknownApp)?;
    let Some(hub) = fleet.hub(&name) else {
        fleet.asked_in_vain(name);
        return Err(Close::UnknownApp);
    };
    if !origin_allowed(&hub.view().app.settings.allowed_origins, client.origin.as_deref()) {
        return Err(Close::Refused("this origin may not connect; add it to the app's allowed_origins"));
    }
    Ok(hub)
}

/// Makes a session of the hello of a page that may come in, and of what another node had of it.
pub(super) fn begin(
    fleet: &Arc<Fleet>,
    hub: &Arc<Hub>,
    client: Client,
    mut hello: Hello,
    brought: Option<Returned>,
    now: Now,
) -> Begun {
    let arrival = Arrival {
        hub: hub.clone(),
        build: hello.build.clone(),
        reported: hello.version.take(),
        labels: std::mem::take(&mut hello.labels),
        user_agent: client.user_agent,
        frame: hello.frame,
        host: hello.host.take().filter(|_| hello.frame == Frame::Embedded),
        transport: client.transport,
        page: std::mem::take(&mut hello.page),
    };
    let (membership, returned) =
        fleet.join(hello.session, hello.resume.as_deref(), arrival, brought, now.wall);
    // Subscribe before reading the state: what changes in between is seen, at worst twice.
    let mut views = hub.watch();
    let view = views.borrow_and_update().clone();
    let (session, frames) = Session::start(membership, &view, &hello, returned, now);
    Begun { session, views, frames }
}

/// With no allowed origins any may connect; with some, a page must name one of them.
fn origin_allowed(allowed: &[String], origin: Option<&str>) -> bool {
    allowed.is_empty()
        || origin.is_some_and(|origin| allowed.iter().any(|allowed| allowed.eq_ignore_ascii_case(origin)))
}
