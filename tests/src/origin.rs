//! An app's origin as probes see it: a real HTTP server whose answer the test sets.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicUsize, Ordering},
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};

type Answers = dyn Fn(usize, &str) -> String + Send + Sync;

/// A running origin; it ends with its handle.
pub struct Origin {
    address: String,
    answers: Arc<Mutex<Arc<Answers>>>,
    asked: Arc<AtomicUsize>,
    serving: JoinHandle<()>,
}

impl Origin {
    /// One that serves a build.
    pub async fn of(build: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("its address").to_string();
        let answers: Arc<Mutex<Arc<Answers>>> = Arc::new(Mutex::new(Arc::new(|_, _| String::new())));
        let asked = Arc::new(AtomicUsize::new(0));
        let (shared, count) = (answers.clone(), asked.clone());
        let serving = tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                let answers = shared.lock().expect("no test panics in it").clone();
                let number = count.fetch_add(1, Ordering::SeqCst);
                tokio::spawn(async move { serve(socket, number, &*answers).await });
            }
        });
        let origin = Self { address, answers, asked, serving };
        origin.serve(build);
        origin
    }

    /// Serves another build from now on.
    pub fn serve(&self, build: &str) {
        let answer = json(build);
        self.answer(move |_, _| answer.clone());
    }

    /// Answers by the number of the request and its path from now on; an empty answer is none at all.
    pub fn answer(&self, answers: impl Fn(usize, &str) -> String + Send + Sync + 'static) {
        *self.answers.lock().expect("no test panics in it") = Arc::new(answers);
    }

    /// An address of it.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// How often it was asked.
    pub fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

impl Drop for Origin {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

/// The answer that names a build.
pub fn json(build: &str) -> String {
    ok(&format!(r#"{{"build": "{build}"}}"#))
}

/// An answer with this body.
pub fn ok(body: &str) -> String {
    format!("HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}", body.len())
}

/// An answer that sends somewhere else.
pub fn redirect(to: &str) -> String {
    format!("HTTP/1.1 302 Found\r\nconnection: close\r\nlocation: {to}\r\ncontent-length: 0\r\n\r\n")
}

async fn serve(mut socket: TcpStream, number: usize, answers: &Answers) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        match socket.read_u8().await {
            Ok(byte) => head.push(byte),
            Err(_) => return,
        }
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    let path = head.split(' ').nth(1).unwrap_or_default();
    let answer = answers(number, path);
    if answer.is_empty() {
        // It hangs until whoever asks gives up.
        let _ = socket.read_u8().await;
    } else {
        let _ = socket.write_all(answer.as_bytes()).await;
    }
}
