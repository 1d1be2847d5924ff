//! A port of the loopback address that stays the test's own, over restarts of the program that listens there.

use tokio::net::TcpSocket;

/// Nobody else is given it while this is there. It is bound, and nothing listens: who connects while its program doesn't
/// run is refused.
pub struct Port {
    number: u16,
    _held: TcpSocket,
}

impl Port {
    /// A free one.
    pub fn free() -> Self {
        let held = TcpSocket::new_v4().expect("a socket");
        // Programs that listen set this, too, and may bind what is bound so. Whoever asks for any port gets another one.
        held.set_reuseaddr(true).expect("a socket");
        held.bind(([127, 0, 0, 1], 0).into()).expect("a free port");
        let number = held.local_addr().expect("its address").port();
        Self { number, _held: held }
    }

    /// Its number.
    pub const fn number(&self) -> u16 {
        self.number
    }
}

#[cfg(test)]
mod tests {
    use tokio::net::{TcpListener, TcpStream};

    use super::*;

    #[tokio::test]
    async fn a_port_is_kept_between_two_that_listen_there() {
        let port = Port::free();
        let address = ("127.0.0.1", port.number());
        for _ in 0..2 {
            let refused = TcpStream::connect(address).await.expect_err("nobody listens");
            assert_eq!(refused.kind(), std::io::ErrorKind::ConnectionRefused);
            let listener = TcpListener::bind(address).await.expect("it is this test's");
            let (asked, heard) = tokio::join!(TcpStream::connect(address), listener.accept());
            drop((asked.expect("somebody listens"), heard.expect("somebody asks")));
        }
    }
}
