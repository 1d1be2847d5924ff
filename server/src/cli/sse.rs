//! Server-sent events, read from the bytes they come in.

/// Longest line and longest event that are taken: a release's entry can be long.
const LONGEST: usize = 16 << 20;

/// One event.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Message {
    /// Its kind; empty if none was named.
    pub event: String,
    /// Its ID, where it has one.
    pub id: Option<String>,
    /// Its data.
    pub data: String,
}

/// What has come so far.
#[derive(Debug, Default)]
pub struct Parser {
    line: Vec<u8>,
    message: Message,
}

/// A line or an event had no end.
#[derive(Debug, PartialEq, Eq)]
pub struct TooLong;

impl Parser {
    /// Takes in what came, and answers the events that it completes.
    pub fn take(&mut self, bytes: &[u8]) -> Result<Vec<Message>, TooLong> {
        let mut messages = Vec::new();
        let mut parts = bytes.split(|byte| *byte == b'\n').peekable();
        while let Some(part) = parts.next() {
            self.line.extend_from_slice(part);
            if self.line.len() + self.message.data.len() > LONGEST {
                return Err(TooLong);
            }
            // The last part's end has not come yet.
            if parts.peek().is_some() {
                let line = std::mem::take(&mut self.line);
                messages.extend(self.end_line(line.strip_suffix(b"\r").unwrap_or(&line)));
            }
        }
        Ok(messages)
    }

    fn end_line(&mut self, line: &[u8]) -> Option<Message> {
        let line = String::from_utf8_lossy(line);
        if line.is_empty() {
            // An event without data is none.
            return Some(std::mem::take(&mut self.message)).filter(|message| !message.data.is_empty());
        }
        let (field, value) = line.split_once(':').unwrap_or((&line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "event" => value.clone_into(&mut self.message.event),
            "id" => self.message.id = Some(value.to_owned()),
            "data" => {
                if !self.message.data.is_empty() {
                    self.message.data.push('\n');
                }
                self.message.data.push_str(value);
            }
            // Comments, and what we have no use for.
            _ => {}
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STREAM: &str = ": hello\n\nevent: census\nid: 7\ndata: {\"a\":\ndata: \"ä\"}\n\nid: 8\n\nevent:log\r\ndata:{}\r\n\r\n";

    #[test]
    fn events_are_read_however_their_bytes_are_cut() {
        let census =
            Message { event: "census".into(), id: Some("7".into()), data: "{\"a\":\n\"ä\"}".into() };
        let log = Message { event: "log".into(), id: None, data: "{}".into() };
        for size in [1, 2, 3, 7, STREAM.len()] {
            let mut parser = Parser::default();
            let read: Vec<_> =
                STREAM.as_bytes().chunks(size).flat_map(|chunk| parser.take(chunk).unwrap()).collect();
            assert_eq!(read, [census.clone(), log.clone()], "{size}");
        }
    }

    #[test]
    fn what_never_ends_is_not_kept() {
        let mut parser = Parser::default();
        let endless = vec![b'x'; LONGEST / 2 + 1];
        assert_eq!(parser.take(&endless), Ok(Vec::new()));
        assert_eq!(parser.take(&endless), Err(TooLong));
    }
}
