//! Addresses that a webhook may have: nobody makes us call what only we can reach.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use url::{Host, Url};

/// Longest address of a webhook, bytes.
const LONGEST: usize = 2048;

/// Whether this machine itself may be called, and then by plain http too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Loopback {
    Allowed,
    Refused,
}

/// The address of a webhook, or what is wrong with it. A name is resolved only when a message is sent: see [`may_connect`].
pub fn parse_target(text: &str, loopback: Loopback) -> Result<Url, String> {
    if text.len() > LONGEST {
        return Err(format!("must have at most {LONGEST} bytes"));
    }
    let url = Url::parse(text).map_err(|why| format!("is not a URL: {why}"))?;
    // `url` keeps what follows a scheme of its own invention as it is; only these two have a host that is known to be one.
    if !matches!(url.scheme(), "https" | "http") {
        return Err("must begin with https://".to_owned());
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("must not hold a user or a password: messages are signed".to_owned());
    }
    if url.fragment().is_some() {
        return Err("must not have a fragment".to_owned());
    }
    let local = match url.host() {
        Some(Host::Domain(name)) => is_local(name),
        Some(Host::Ipv4(ip)) => admit(ip.into(), loopback)?,
        Some(Host::Ipv6(ip)) => admit(ip.into(), loopback)?,
        None => return Err("must name a host".to_owned()),
    };
    if local && loopback == Loopback::Refused {
        return Err("must not lead to this machine itself".to_owned());
    }
    if url.scheme() == "http" && !local {
        return Err("must begin with https://: plain http is for this machine itself alone".to_owned());
    }
    Ok(url)
}

/// Whether a connection for this host name may go to this address, one of those that it resolves to. A name may lead to this machine only if it says so: one that
/// resolves to it today and elsewhere tomorrow is a trap.
pub fn may_connect(host: &str, ip: IpAddr, loopback: Loopback) -> bool {
    if is_loopback(ip) { loopback == Loopback::Allowed && is_local(host) } else { is_public(ip) }
}

/// Whether an address written out leads to this machine.
fn admit(ip: IpAddr, loopback: Loopback) -> Result<bool, String> {
    match is_loopback(ip) {
        true if loopback == Loopback::Allowed => Ok(true),
        false if is_public(ip) => Ok(false),
        _ => Err(format!("must not lead to {ip}: it is not a public address")),
    }
}

fn is_local(name: &str) -> bool {
    let name = name.strip_suffix('.').unwrap_or(name);
    name.eq_ignore_ascii_case("localhost") || name.to_ascii_lowercase().ends_with(".localhost")
}

fn is_loopback(ip: IpAddr) -> bool {
    ip.to_canonical().is_loopback()
}

fn is_public(ip: IpAddr) -> bool {
    match ip.to_canonical() {
        IpAddr::V4(ip) => is_public_v4(ip),
        IpAddr::V6(ip) => is_public_v6(ip),
    }
}

/// Networks that are not global unicast (IANA special-purpose registry), with a length of prefix each.
const CLOSED_V4: [(Ipv4Addr, u32); 16] = [
    (Ipv4Addr::new(0, 0, 0, 0), 8),
    (Ipv4Addr::new(10, 0, 0, 0), 8),
    // shared by carriers; one cloud keeps its metadata at 100.100.100.200
    (Ipv4Addr::new(100, 64, 0, 0), 10),
    (Ipv4Addr::new(127, 0, 0, 0), 8),
    // a cloud's own, though it looks public: its agents answer there
    (Ipv4Addr::new(168, 63, 129, 16), 32),
    // link-local, and with it 169.254.169.254, the metadata of most clouds
    (Ipv4Addr::new(169, 254, 0, 0), 16),
    (Ipv4Addr::new(172, 16, 0, 0), 12),
    (Ipv4Addr::new(192, 0, 0, 0), 24),
    (Ipv4Addr::new(192, 0, 2, 0), 24),
    (Ipv4Addr::new(192, 88, 99, 0), 24),
    (Ipv4Addr::new(192, 168, 0, 0), 16),
    (Ipv4Addr::new(198, 18, 0, 0), 15),
    (Ipv4Addr::new(198, 51, 100, 0), 24),
    (Ipv4Addr::new(203, 0, 113, 0), 24),
    // multicast
    (Ipv4Addr::new(224, 0, 0, 0), 4),
    // reserved, and broadcast
    (Ipv4Addr::new(240, 0, 0, 0), 4),
];

fn is_public_v4(ip: Ipv4Addr) -> bool {
    !CLOSED_V4.iter().any(|(network, length)| (ip.to_bits() ^ network.to_bits()) >> (32 - length) == 0)
}

fn is_public_v6(ip: Ipv6Addr) -> bool {
    let segments = ip.segments();
    // Translated to IPv4 (64:ff9b::/96): as public as what it leads to.
    if segments[..6] == [0x64, 0xff9b, 0, 0, 0, 0] {
        return is_public_v4(Ipv4Addr::from_bits((u32::from(segments[6]) << 16) | u32::from(segments[7])));
    }
    let global = segments[0] & 0xe000 == 0x2000;
    // IETF protocols (Teredo among them), documentation, 6to4
    let special = (segments[0] == 0x2001 && (segments[1] < 0x200 || segments[1] == 0xdb8))
        || segments[0] == 0x2002
        || (segments[0] == 0x3fff && segments[1] < 0x1000);
    global && !special
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parse(text: &str) -> Result<Url, String> {
        parse_target(text, Loopback::Refused)
    }

    #[test]
    fn https_to_a_public_host_is_taken() {
        for url in [
            "https://hooks.example.com/a?b=c",
            "https://hooks.example.com:8443/",
            "https://93.184.216.34/x",
            "https://[2606:4700::1111]/",
            "https://bücher.example/",
        ] {
            assert!(parse(url).is_ok(), "{url}: {:?}", parse(url));
        }
    }

    #[test]
    fn what_only_we_can_reach_is_refused_however_it_is_written() {
        for url in [
            "https://10.0.0.1/",
            "https://172.31.255.255/",
            "https://192.168.1.1/",
            "https://169.254.169.254/latest/meta-data",
            "https://100.100.100.200/",
            "https://168.63.129.16/",
            "https://0.0.0.0/",
            "https://2130706433/",
            "https://0x7f.1/",
            "https://0177.0.0.1/",
            "https://127.1/",
            "https://[::1]/",
            "https://[::]/",
            "https://[::ffff:10.0.0.1]/",
            "https://[64:ff9b::a00:1]/",
            "https://[2002:a00:1::]/",
            "https://[fd00:ec2::254]/",
            "https://[fe80::1]/",
            "https://[ff02::1]/",
            "https://localhost/",
            "https://LOCALHOST./",
            "https://a.localhost/",
        ] {
            assert!(parse(url).is_err(), "{url} was taken");
        }
    }

    #[test]
    fn other_schemes_users_fragments_and_plain_http_are_refused() {
        for url in [
            "",
            "hooks.example.com",
            "ftp://hooks.example.com/",
            "file:///etc/passwd",
            "javascript:alert(1)",
            "http://hooks.example.com/",
            "https://user@hooks.example.com/",
            "https://:pw@hooks.example.com/",
            "https://hooks.example.com/#a",
            "https://",
            "https:///x y",
            "gopher://127.0.0.1/",
        ] {
            assert!(parse(url).is_err(), "{url} was taken");
        }
        assert!(parse(&format!("https://hooks.example.com/{}", "x".repeat(LONGEST))).is_err());
    }

    #[test]
    fn this_machine_may_be_called_by_http_where_that_is_allowed_and_nothing_else() {
        for url in ["http://127.0.0.1:9000/hook", "http://localhost:1/", "http://[::1]:1/", "https://127.0.0.1/"] {
            assert!(parse_target(url, Loopback::Allowed).is_ok(), "{url}");
            assert!(parse_target(url, Loopback::Refused).is_err(), "{url}");
        }
        for url in ["http://10.0.0.1/", "http://93.184.216.34/", "http://hooks.example.com/", "https://192.168.0.1/"] {
            assert!(parse_target(url, Loopback::Allowed).is_err(), "{url} was taken");
        }
    }

    #[test]
    fn a_name_that_resolves_to_us_or_to_a_private_network_is_not_called() {
        let ip = |text: &str| text.parse::<IpAddr>().unwrap();
        for loopback in [Loopback::Allowed, Loopback::Refused] {
            assert!(may_connect("hooks.example.com", ip("93.184.216.34"), loopback));
            assert!(!may_connect("rebound.example.com", ip("127.0.0.1"), loopback));
            assert!(!may_connect("rebound.example.com", ip("::ffff:127.0.0.1"), loopback));
            assert!(!may_connect("hooks.example.com", ip("10.1.2.3"), loopback));
            assert!(!may_connect("hooks.example.com", ip("169.254.169.254"), loopback));
            assert!(!may_connect("localhost", ip("192.168.0.1"), loopback));
        }
        assert!(may_connect("localhost", ip("::1"), Loopback::Allowed));
        assert!(!may_connect("localhost", ip("127.0.0.1"), Loopback::Refused));
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic_and_what_is_taken_is_https(text in ".{0,80}") {
            if let Ok(url) = parse(&text) {
                prop_assert_eq!(url.scheme(), "https");
            }
        }

        #[test]
        fn an_address_is_treated_alike_in_all_its_forms(bits: u32) {
            let v4 = Ipv4Addr::from_bits(bits);
            let public = is_public(v4.into());
            prop_assert_eq!(is_public(v4.to_ipv6_mapped().into()), public);
            let octets = v4.octets();
            let translated = Ipv6Addr::new(0x64, 0xff9b, 0, 0, 0, 0,
                u16::from_be_bytes([octets[0], octets[1]]), u16::from_be_bytes([octets[2], octets[3]]));
            prop_assert_eq!(is_public(translated.into()), public);
            // The standard library's own words for it.
            if v4.is_private() || v4.is_loopback() || v4.is_link_local() || v4.is_multicast() || v4.is_broadcast()
                || v4.is_documentation() || v4.is_unspecified() {
                prop_assert!(!public);
            }
        }

        #[test]
        fn only_global_unicast_of_v6_is_public(bits: u128) {
            let v6 = Ipv6Addr::from_bits(bits);
            if is_public(v6.into()) && v6.to_ipv4_mapped().is_none() {
                prop_assert!(!v6.is_unique_local() && !v6.is_unicast_link_local() && !v6.is_multicast() && !v6.is_loopback());
            }
        }
    }
}
