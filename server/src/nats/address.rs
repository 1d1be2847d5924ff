//! What `--nats` says, read in such a way that no error repeats a password.

use async_nats::ServerAddr;

/// What to write instead of what can't be read.
const SUCH_AS: &str = "an address is nats://USER:PASSWORD@HOST:PORT or tls://…; commas separate several; in a password, \
                       write what is no letter or digit as its percent code (/ is %2F, # is %23)";

/// The servers that are named; empty words name none. An error says which of them is wrong, without its user.
pub fn servers(named: &[String]) -> Result<Vec<ServerAddr>, String> {
    let named = named.iter().map(|address| address.trim()).filter(|address| !address.is_empty());
    let read = named.enumerate().map(|(index, address)| {
        let wrong = |why| format!("address {} of --nats, {}: {why}; {SUCH_AS}", index + 1, place(address));
        server(address).map_err(wrong)
    });
    read.collect()
}

fn server(address: &str) -> Result<ServerAddr, String> {
    let scheme = address.split_once("://").map_or("nats", |(scheme, _)| scheme);
    // Not quoted: it may be the end of a password that had a comma in it.
    if !["nats", "tls"].iter().any(|known| scheme.eq_ignore_ascii_case(known)) {
        return Err("it begins neither with nats:// nor with tls://".to_owned());
    }
    let server: ServerAddr = address.parse().map_err(|error: std::io::Error| {
        let error = error.to_string();
        error.strip_prefix("NATS server URL is invalid: ").unwrap_or(&error).to_owned()
    })?;
    let url = server.clone().into_inner();
    if server.host().is_empty() {
        return Err("it has no host".to_owned());
    }
    // A '/' or '#' in a password ends the host and port for whoever reads the URL.
    if !matches!(url.path(), "" | "/") || url.query().is_some() || url.fragment().is_some() {
        return Err("something follows the host and port".to_owned());
    }
    Ok(server)
}

/// What may be shown of an address that can't be read: its host, without what could be part of a user or password.
fn place(address: &str) -> &str {
    if let Some((_, place)) = address.rsplit_once('@') {
        return place;
    }
    let place = address.split_once("://").map_or(address, |(_, place)| place);
    let end = if place.starts_with('[') { place.find(']').map(|end| end + 1) } else { None };
    &place[..end.or_else(|| place.find([':', '/', '?', '#', ';'])).unwrap_or(place.len())]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(nats: &str) -> Result<Vec<String>, String> {
        let named: Vec<_> = nats.split(',').map(str::to_owned).collect();
        let shown = |server: ServerAddr| format!("{}:{}", server.host(), server.port());
        Ok(servers(&named)?.into_iter().map(shown).collect())
    }

    #[test]
    fn addresses_are_read_and_empty_ones_are_none() {
        let three = read("nats://u:p@a:4222,tls://[::1]:1, b ,").unwrap();
        assert_eq!(three, ["a:4222", "::1:1", "b:4222"]);
        for none in ["", ",", " , "] {
            assert_eq!(read(none).unwrap(), Vec::<String>::new());
        }
    }

    #[test]
    fn no_error_repeats_a_password() {
        let wrong = [
            ("nats://us:hunter2secret@nats-2:42222222", "invalid port"),
            ("nats://us:hunter2/secret@nats-2:4222", "invalid port"),
            ("nats://us:2/hunter-secret@nats-2:4222", "something follows"),
            ("nats://us:2#hunter-secret@nats-2:4222", "something follows"),
            ("nats://us:hunter2@a:1;nats://us:secret@nats-2:1", "invalid port"),
            ("nats://us:hunter2@a;nats://us:secret@nats-2:1", "something follows"),
            ("nats://us:hunter2,secret@nats-2:4222", "invalid port"),
            ("secret://us:hunter2@nats-2", "neither with nats://"),
            ("nats://us:hunter2@:4222", "empty host"),
            ("nats://:4222", "empty host"),
            ("nats://", "no host"),
        ];
        for (nats, why) in wrong {
            let said = read(nats).unwrap_err();
            assert!(said.contains(why), "{nats}: {said}");
            assert!(said.starts_with("address ") && said.contains(" of --nats"), "{said}");
            assert!(!said.contains("hunter") && !said.contains("secret"), "{said}");
        }
        assert!(read("a,nats://u:p@nats-2:x").unwrap_err().starts_with("address 2 of --nats, nats-2:x: "));
    }
}
