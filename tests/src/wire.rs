//! A wire between a node and what it talks to: it can be cut, one way only or both, and mended.
//!
//! What it is given while it is cut stays in it and arrives when it is mended, as on a network that loses packets and sends
//! them again; when its connections are broken, it is lost.

use std::sync::Arc;

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::watch,
};
use tokio_util::task::AbortOnDropHandle;

use crate::waiting::{PATIENCE, in_time};

/// One end is the test's to give to a node, the other is at a server. It ends when this is dropped.
pub struct Wire {
    address: String,
    state: Arc<watch::Sender<State>>,
    _accepting: AbortOnDropHandle<()>,
}

/// In which direction something goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// What the node says.
    There,
    /// What it is answered.
    Back,
}

#[derive(Clone, Default)]
struct State {
    held: Held,
    /// All connections from before this are broken.
    broken: u64,
    /// New connections are broken as well.
    refuses: bool,
    trap: Option<(Vec<u8>, Way)>,
}

#[derive(Clone, Copy, Default)]
struct Held {
    there: bool,
    back: bool,
}

impl Wire {
    /// A wire to a server, given as host:port. All goes through.
    pub async fn to(server: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("its address").to_string();
        let state = Arc::new(watch::Sender::new(State::default()));
        let accepting = tokio::spawn(accept(listener, server.to_owned(), state.clone()));
        Self { address, state, _accepting: AbortOnDropHandle::new(accepting) }
    }

    /// The node's end, as what `--nats` takes.
    pub fn url(&self) -> String {
        format!("nats://{}", self.address)
    }

    /// Nothing goes through any more, in neither direction: connections stay, and nobody answers.
    pub fn hold(&self) {
        self.state.send_modify(|state| state.held = Held { there: true, back: true });
    }

    /// The same, from the moment at which the node says these words: they are the first that don't get through, or,
    /// for the way back, the last that do.
    pub fn hold_from(&self, words: &str, way: Way) {
        self.state.send_modify(|state| state.trap = Some((words.into(), way)));
    }

    /// Waits until the words were said.
    pub async fn held(&self) {
        let held = |state: &State| state.held.there || state.held.back;
        let mut states = self.state.subscribe();
        let waited_for =
            self.state.borrow().trap.as_ref().map(|(words, _)| String::from_utf8_lossy(words).into_owned());
        let what = format!("the node says {waited_for:?}");
        drop(in_time(PATIENCE, &what, states.wait_for(held)).await.expect("it is there"));
    }

    /// Breaks all connections, what is on the way is lost, and new ones are broken at once.
    pub fn cut(&self) {
        self.state.send_modify(|state| {
            state.broken += 1;
            state.refuses = true;
        });
    }

    /// Breaks all connections, with what is on the way; new ones are made as they were.
    pub fn break_connections(&self) {
        self.state.send_modify(|state| state.broken += 1);
    }

    /// All goes through again, and what was held arrives.
    pub fn mend(&self) {
        self.state.send_modify(|state| {
            (state.held, state.refuses, state.trap) = (Held::default(), false, None);
        });
    }
}

impl State {
    const fn holds(&self, way: Way) -> bool {
        match way {
            Way::There => self.held.there,
            Way::Back => self.held.back,
        }
    }

    /// Whether these words were waited for.
    fn traps(&self, said: &[u8]) -> bool {
        let waited_for = |words: &[u8]| said.windows(words.len()).any(|window| window == words);
        self.trap.as_ref().is_some_and(|(words, _)| waited_for(words))
    }

    fn spring(&mut self) {
        match self.trap.take() {
            Some((_, Way::There)) => self.held.there = true,
            Some((_, Way::Back)) => self.held.back = true,
            None => {}
        }
    }
}

async fn accept(listener: TcpListener, server: String, state: Arc<watch::Sender<State>>) {
    while let Ok((node, _)) = listener.accept().await {
        if state.borrow().refuses {
            continue;
        }
        let Ok(server) = TcpStream::connect(&server).await else { continue };
        for end in [&node, &server] {
            end.set_nodelay(true).expect("a socket");
        }
        let ((from_node, to_node), (from_server, to_server)) = (node.into_split(), server.into_split());
        tokio::spawn(pump(from_node, to_server, Way::There, state.clone()));
        tokio::spawn(pump(from_server, to_node, Way::Back, state.clone()));
    }
}

/// Carries on what comes until it ends, or the connection is broken.
async fn pump(from: OwnedReadHalf, to: OwnedWriteHalf, way: Way, state: Arc<watch::Sender<State>>) {
    let mut states = state.subscribe();
    let made = states.borrow().broken;
    tokio::select! {
        () = async { drop(states.wait_for(|state| state.broken > made).await) } => {}
        () = carry(from, to, way, &state) => {}
    }
}

async fn carry(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, way: Way, state: &watch::Sender<State>) {
    let mut states = state.subscribe();
    let mut buffer = vec![0; 64 << 10];
    while let Ok(read @ 1..) = from.read(&mut buffer).await {
        let said = &buffer[..read];
        if way == Way::There && state.borrow().traps(said) {
            state.send_modify(State::spring);
        }
        // What it answers is a lock on the state: not to be held while something is written.
        let opened = states.wait_for(|state| !state.holds(way)).await.is_ok();
        if !opened || to.write_all(said).await.is_err() {
            return;
        }
    }
    // Its end isn't heard either while nothing goes through.
    let _ = states.wait_for(|state| !state.holds(way)).await;
}
