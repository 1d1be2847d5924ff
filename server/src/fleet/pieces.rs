//! Reports cut into messages that are small enough to be no burden, and put together again.

use std::collections::HashMap;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::core::rollcall::Report;

/// Largest piece, in bytes: far below what NATS takes, so that nobody else's message waits for long.
const LARGEST: usize = 200 << 10;
/// Most pieces of a report: beyond what nodes that work as they should ever say.
const MOST: u32 = 128;

/// The line before a piece.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Head {
    node: String,
    incarnation: u64,
    seq: u64,
    /// Which piece this is, from 0.
    piece: u32,
    /// How many there are.
    of: u32,
}

/// Reports of which not all pieces have come, by node.
#[derive(Default)]
pub struct Joiner(HashMap<String, Partial>);

struct Partial {
    /// What the next piece has to be.
    next: Head,
    bytes: Vec<u8>,
}

/// A report in pieces.
pub fn split(report: &Report) -> Vec<Bytes> {
    let body = serde_json::to_vec(report).expect("a report can be written as JSON");
    let of = u32::try_from(body.len().div_ceil(LARGEST)).unwrap_or(u32::MAX);
    let piece = |(piece, part): (u32, &[u8])| {
        let Report { node, incarnation, seq, .. } = report;
        let head = Head { node: node.clone(), incarnation: *incarnation, seq: *seq, piece, of };
        let mut message = serde_json::to_vec(&head).expect("a head can be written as JSON");
        message.push(b'\n');
        message.extend_from_slice(part);
        Bytes::from(message)
    };
    (0..).zip(body.chunks(LARGEST)).map(piece).collect()
}

impl Joiner {
    /// Takes in a piece, and gives the whole if it was the last. A node's pieces come in order, or one was lost: then
    /// its next report is waited for.
    pub fn join(&mut self, message: &[u8]) -> Option<Vec<u8>> {
        let end = message.iter().position(|byte| *byte == b'\n')?;
        let (head, part) = (serde_json::from_slice::<Head>(&message[..end]).ok()?, &message[end + 1..]);
        if head.of > MOST {
            return None;
        }
        let mut bytes = match self.0.remove(&head.node) {
            Some(partial) if partial.next == head => partial.bytes,
            _ if head.piece == 0 => Vec::new(),
            _ => return None,
        };
        bytes.extend_from_slice(part);
        if head.piece + 1 == head.of {
            return Some(bytes);
        }
        let next = Head { piece: head.piece + 1, ..head };
        self.0.insert(next.node.clone(), Partial { next, bytes });
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::{census::BuildCount, rollcall::AppReport};

    fn large(seq: u64) -> Report {
        let row = |n: usize| BuildCount { sessions: 7, ..BuildCount::none(format!("b{n}").parse().unwrap()) };
        let rows = (0..20_000).map(row).collect();
        let apps = [("shop".parse().unwrap(), AppReport { rows, ..AppReport::default() })].into();
        Report { node: "a".to_owned(), seq, apps, ..Report::default() }
    }

    #[test]
    fn a_large_report_goes_in_pieces() {
        let (report, mut joiner) = (large(1), Joiner::default());
        let pieces = split(&report);
        assert!(pieces.len() > 2 && pieces.iter().all(|piece| piece.len() < 256 << 10));
        let whole: Vec<_> = pieces.iter().filter_map(|piece| joiner.join(piece)).collect();
        assert_eq!(whole.len(), 1);
        assert_eq!(serde_json::from_slice::<Report>(&whole[0]).unwrap(), report);
    }

    #[test]
    fn what_has_lost_a_piece_is_left_out() {
        let mut joiner = Joiner::default();
        for (index, piece) in split(&large(1)).iter().enumerate() {
            if index != 1 {
                assert_eq!(joiner.join(piece), None);
            }
        }
        let next = split(&large(2));
        assert_eq!(next.iter().filter_map(|piece| joiner.join(piece)).count(), 1);
        assert_eq!(joiner.join(b"no head"), None);
    }
}
