//! Where probes may go: to the public internet, unless this server is told otherwise.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use reqwest::{
    Url,
    dns::{Addrs, Name, Resolve, Resolving},
};

/// Names that are never public, with all below them.
const LOCAL_NAMES: [&str; 4] = ["localhost", "local", "internal", "home.arpa"];
/// Longest URL of a probe.
const LONGEST_URL: usize = 2_048;

/// What is no host of the public internet: first address and length of the prefix, by the registry of special-purpose
/// addresses (RFC 6890 and its updates).
const SPECIAL_V4: [(Ipv4Addr, u32); 15] = [
    // This network, private, shared by carriers' NAT, loopback.
    (Ipv4Addr::UNSPECIFIED, 8),
    (Ipv4Addr::new(10, 0, 0, 0), 8),
    (Ipv4Addr::new(100, 64, 0, 0), 10),
    (Ipv4Addr::new(127, 0, 0, 0), 8),
    // Link-local, where clouds answer for metadata; private.
    (Ipv4Addr::new(169, 254, 0, 0), 16),
    (Ipv4Addr::new(172, 16, 0, 0), 12),
    (Ipv4Addr::new(192, 168, 0, 0), 16),
    // Protocol assignments, documentation, 6to4 relays, benchmarks.
    (Ipv4Addr::new(192, 0, 0, 0), 24),
    (Ipv4Addr::new(192, 0, 2, 0), 24),
    (Ipv4Addr::new(192, 88, 99, 0), 24),
    (Ipv4Addr::new(198, 18, 0, 0), 15),
    (Ipv4Addr::new(198, 51, 100, 0), 24),
    (Ipv4Addr::new(203, 0, 113, 0), 24),
    // Multicast, reserved and broadcast.
    (Ipv4Addr::new(224, 0, 0, 0), 4),
    (Ipv4Addr::new(240, 0, 0, 0), 4),
];

/// A probe's URL as it is kept, or why it can't be one.
pub fn check(text: &str, private_too: bool) -> Result<Url, String> {
    let wanted = "a probe is a URL such as https://app.example.com/freshwire.json";
    if text.len() > LONGEST_URL {
        return Err(format!("a probe's URL has at most {LONGEST_URL} bytes"));
    }
    let mut url: Url = text.parse().map_err(|error| format!("'{text}': {error}; {wanted}"))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(format!("'{text}' is not http or https; {wanted}"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(
            "a probe's URL has no user and no password: everyone who may read the settings would read \
                    them too"
                .to_owned(),
        );
    }
    if !private_too {
        refuse_private(&url)?;
    }
    url.set_fragment(None);
    Ok(url)
}

/// Refuses addresses and names of this machine and its private network. What a name stands for is looked at when it
/// is resolved.
pub fn refuse_private(url: &Url) -> Result<(), String> {
    // The parser has read every way of writing an address: decimal, octal, hexadecimal.
    let host = url.host_str().unwrap_or_default().trim_start_matches('[').trim_end_matches(']');
    let private = match host.parse::<IpAddr>() {
        Ok(address) => !is_public(address),
        Err(_) => is_local_name(host),
    };
    if private { Err(refusal(host)) } else { Ok(()) }
}

fn refusal(host: &str) -> String {
    format!(
        "{host} is private, and what a server fetches there could be anybody's secret; to allow it, start the server \
         with --probe-private"
    )
}

fn is_local_name(host: &str) -> bool {
    let host = host.trim_end_matches('.').to_ascii_lowercase();
    let below =
        |name: &str| host.strip_suffix(name).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'));
    LOCAL_NAMES.into_iter().any(below)
}

/// Whether an address is one of the public internet.
pub fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => is_public_v4(v4),
        IpAddr::V6(v6) => is_public_v6(v6),
    }
}

fn is_public_v4(v4: Ipv4Addr) -> bool {
    let within = |(first, bits): &(Ipv4Addr, u32)| (v4.to_bits() ^ first.to_bits()) >> (32 - bits) == 0;
    !SPECIAL_V4.iter().any(within)
}

fn is_public_v6(v6: Ipv6Addr) -> bool {
    if let Some(v4) = v6.to_ipv4_mapped() {
        return is_public_v4(v4);
    }
    let segments = v6.segments();
    let embedded = |high: u16, low: u16| {
        let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
        Ipv4Addr::new(a, b, c, d)
    };
    match segments {
        // What is reached is the IPv4 address in the end, by NAT64, or in the middle, by 6to4.
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] | [0x2002, high, low, ..] => is_public_v4(embedded(high, low)),
        // Teredo and others of 2001::/23, documentation.
        [0x2001, ..=0x1ff | 0xdb8, ..] | [0x3fff, ..=0xfff, ..] => false,
        // Only 2000::/3 is the internet: the rest is loopback, link-local, unique local, multicast or not assigned.
        [first, ..] => first & 0xe000 == 0x2000,
    }
}

/// Resolves names to public addresses only, so that no name can lead inside, whatever it stood for a moment ago.
pub struct PublicOnly;

impl Resolve for PublicOnly {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let public: Vec<_> = found.filter(|address| is_public(address.ip())).collect();
            if public.is_empty() {
                return Err(refusal(name.as_str()).into());
            }
            Ok(Box::new(public.into_iter()) as Addrs)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_private_address_is_refused_however_it_is_written() {
        for host in [
            "127.0.0.1",
            "127.1",
            "2130706433",
            "0x7f.1",
            "0",
            "10.0.0.1",
            "172.16.0.1",
            "172.31.255.255",
            "192.168.1.1",
            "100.64.0.1",
            "100.100.100.200",
            "169.254.169.254",
            "192.0.0.192",
            "198.18.0.1",
            "224.0.0.1",
            "255.255.255.255",
            "[::]",
            "[::1]",
            "[::ffff:127.0.0.1]",
            "[::ffff:a9fe:a9fe]",
            "[fe80::1]",
            "[fc00::1]",
            "[fd00:ec2::254]",
            "[ff02::1]",
            "[64:ff9b::7f00:1]",
            "[64:ff9b:1::1]",
            "[2002:7f00:1::]",
            "[2001:db8::1]",
            "[2001::1]",
            "[::127.0.0.1]",
            "localhost",
            "LOCALHOST.",
            "app.localhost",
            "metadata.google.internal",
            "printer.local",
        ] {
            let refused = check(&format!("http://{host}/freshwire.json"), false);
            assert!(
                refused.as_ref().is_err_and(|why| why.contains("--probe-private")),
                "{host}: {refused:?}"
            );
            assert!(check(&format!("http://{host}/freshwire.json"), true).is_ok(), "{host}");
        }
    }

    #[test]
    fn public_addresses_and_names_are_taken_and_other_urls_are_not() {
        for host in [
            "app.example.com",
            "93.184.216.34",
            "172.32.0.1",
            "100.128.0.1",
            "192.0.1.1",
            "[2606:2800:220:1::1]",
            "[64:ff9b::5db8:d822]",
            "localhost.example.com",
            "notlocalhost",
        ] {
            assert!(check(&format!("https://{host}/freshwire.json#part"), false).is_ok(), "{host}");
        }
        for url in [
            "ftp://app.example.com/",
            "https://a:b@app.example.com/",
            "https://a@app.example.com/",
            "app",
            "",
        ] {
            assert!(check(url, true).is_err(), "{url}");
        }
        assert!(check(&format!("https://app.example.com/{}", "x".repeat(3_000)), true).is_err());
    }

    #[tokio::test]
    async fn a_name_that_leads_inside_is_not_resolved() {
        let refused = PublicOnly.resolve("localhost".parse().unwrap()).await;
        assert!(refused.is_err_and(|why| why.to_string().contains("--probe-private")));
    }
}
