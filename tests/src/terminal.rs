//! A pseudo-terminal.

use std::{fs::File, os::fd::OwnedFd};

use rustix::{
    pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt},
    termios::{Winsize, tcsetwinsize},
};

/// The end where one sees what is shown.
pub struct Terminal(OwnedFd);

impl Terminal {
    /// A terminal of this size, and the end of it that a program gets.
    pub fn open(columns: u16, rows: u16) -> (Self, File) {
        let screen = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&screen).unwrap();
        unlockpt(&screen).unwrap();
        let name = ptsname(&screen, Vec::new()).unwrap();
        let inner = File::options().read(true).write(true).open(name.to_str().unwrap()).unwrap();
        let terminal = Self(screen);
        terminal.resize(columns, rows);
        (terminal, inner)
    }

    /// Makes it larger or smaller.
    pub fn resize(&self, columns: u16, rows: u16) {
        tcsetwinsize(&self.0, Winsize { ws_row: rows, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 }).unwrap();
    }

    /// Reads what is shown; an error is the end, when no program has the terminal any more.
    pub fn reader(&self) -> File {
        File::from(self.0.try_clone().unwrap())
    }
}
