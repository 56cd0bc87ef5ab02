//! `service_account:`: whose Kubernetes tokens are taken, and where the keys are that verify them.
//! Knows nothing of tokens.

use std::net::IpAddr;
use std::path::PathBuf;

use super::super::diagnostic::{Mistake, Report};
use super::super::fields::{self, Fields};
use super::super::tree::{Content, Node};
use super::mask::is_path;
use super::{Jwks, ServiceAccount};

const KEYS: &[&str] = &["issuer", "audience", "subject", "jwks"];
const ISSUER: &str = "the `iss` of its tokens, such as https://kubernetes.default.svc";
const AUDIENCE: &str = "the audience its tokens are made for, such as usher";
const SUBJECT: &str = "system:serviceaccount:NAMESPACE:NAME";
const JWKS: &str = "{ file: /path } or { url: https://…, ca: /path, token: /path }";

/// Reads `service_account:`; nothing if any of it is wrong.
pub(super) fn read(report: &mut Report<'_>, node: &Node) -> Option<ServiceAccount> {
    let fields = Fields::read(report, node, "a service account", KEYS)?;
    let issuer = claim(report, &fields, "issuer", ISSUER, is_visible);
    let audience = claim(report, &fields, "audience", AUDIENCE, is_visible);
    let subject = claim(report, &fields, "subject", SUBJECT, is_subject);
    let jwks = fields.require_as(report, "jwks", JWKS).and_then(|node| jwks(report, node));
    Some(ServiceAccount { issuer: issuer?, audience: audience?, subject: subject?, jwks: jwks? })
}

fn claim(
    report: &mut Report<'_>,
    fields: &Fields<'_>,
    key: &'static str,
    expected: &str,
    fits: fn(&str) -> bool,
) -> Option<String> {
    let node = fields.require_as(report, key, expected)?;
    let text = fields::text(report, node, key, expected)?;
    if !fits(text) {
        report.add(node.place.clone(), Mistake::new(format!("this is no `{key}`")).expected(expected));
        return None;
    }
    Some(text.to_owned())
}

fn is_visible(text: &str) -> bool {
    is_path(text) && text.len() <= 1024 && !text.chars().any(|c| c.is_whitespace() || c.is_control())
}

fn is_subject(text: &str) -> bool {
    let name = |part: &str| {
        (1..=253).contains(&part.len())
            && part.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'-' | b'.'))
    };
    let parts = text.strip_prefix("system:serviceaccount:").and_then(|rest| rest.split_once(':'));
    parts.is_some_and(|(namespace, account)| name(namespace) && name(account))
}

fn jwks(report: &mut Report<'_>, node: &Node) -> Option<Jwks> {
    if !matches!(node.content, Content::Map(_)) {
        let mistake = Mistake::new(format!("a key set cannot be {}", node.kind()));
        report.add(node.place.clone(), mistake.expected(JWKS));
        return None;
    }
    let before = report.count();
    let fields = Fields::read(report, node, "a key set", &["file", "url", "ca", "token"])?;
    let [file, ca, token] = ["file", "ca", "token"].map(|key| path(report, &fields, key));
    let url = fields.get("url").and_then(|node| Some((node, fields::text(report, node, "url", JWKS)?.to_owned())));
    match (file, url) {
        _ if report.count() > before => None,
        (Some(file), None) if ca.is_none() && token.is_none() => Some(Jwks::File(file)),
        (None, Some((node, url))) => address(report, node, url).map(|url| Jwks::Url { url, ca, token }),
        _ => {
            report.add(node.place.clone(), Mistake::new("this says not where the keys are").expected(JWKS));
            None
        }
    }
}

fn path(report: &mut Report<'_>, fields: &Fields<'_>, key: &str) -> Option<PathBuf> {
    let node = fields.get(key)?;
    let text = fields::text(report, node, key, JWKS)?;
    if !is_path(text) {
        report.add(node.place.clone(), Mistake::new(format!("`{key}` is no path")).expected(JWKS));
        return None;
    }
    Some(PathBuf::from(text))
}

/// Whoever answers in the place of the cluster could prove to be anybody, and would see the token.
fn address(report: &mut Report<'_>, node: &Node, url: String) -> Option<String> {
    let problem = match url.split_once("://") {
        _ if url.chars().any(|c| c.is_whitespace() || c.is_control()) => "this is no address of a key set",
        Some(("https" | "http", rest)) if authority(rest).contains('@') => "a password does not belong into an address",
        Some(("https" | "http", rest)) if host(rest).is_empty() => "this is no address of a key set",
        Some(("https", _)) => return Some(url),
        Some(("http", rest)) if is_loopback(host(rest)) => return Some(url),
        Some(("http", _)) => "anybody on the way could change these keys",
        _ => "this is no address of a key set",
    };
    let mistake = Mistake::new(problem).expected("https://…; http:// only to this machine");
    report.add(node.place.clone(), mistake);
    None
}

fn authority(rest: &str) -> &str {
    rest.split(['/', '?', '#']).next().unwrap_or_default()
}

fn host(rest: &str) -> &str {
    let authority = authority(rest);
    match authority.strip_prefix('[') {
        Some(v6) => v6.split(']').next().unwrap_or_default(),
        None => authority.split(':').next().unwrap_or_default(),
    }
}

fn is_loopback(host: &str) -> bool {
    host == "localhost" || host.parse().is_ok_and(|address: IpAddr| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(url: &str) -> bool {
        let node = Node { content: Content::Null, place: 0..0 };
        address(&mut Report::new("f.yaml", ""), &node, url.to_owned()).is_some()
    }

    #[test]
    fn keys_come_over_tls_or_from_this_machine() {
        for good in [
            "https://a",
            "https://a:6443/openid/v1/jwks",
            "https://[fd00::1]/x",
            "http://127.0.0.1:1/",
            "http://[::1]:8080/x",
            "http://localhost?x",
        ] {
            assert!(taken(good), "{good}");
        }
        for bad in [
            "",
            "a",
            "https://",
            "https:///x",
            "https://u:p@a/",
            "http://a",
            "http://127.0.0.1.evil",
            "http://localhost@evil",
            "http://10.0.0.1",
            "ftp://a",
            "HTTP://a",
            "https://a b",
        ] {
            assert!(!taken(bad), "{bad}");
        }
    }

    #[test]
    fn a_subject_is_a_namespace_and_a_name() {
        assert!(is_subject("system:serviceaccount:payroll:sender-1.x"));
        for bad in [
            "",
            "payroll:sender",
            "system:serviceaccount:",
            "system:serviceaccount:a",
            "system:serviceaccount::a",
            "system:serviceaccount:a:",
            "system:serviceaccount:a:b:c",
            "system:serviceaccount:A:b",
            "system:serviceaccount:*:*",
        ] {
            assert!(!is_subject(bad), "{bad}");
        }
    }
}
