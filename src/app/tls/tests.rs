//! Claims about the files of TLS: which are taken, how the others are named, and what an exchange changes.

use std::fs;
use std::path::Path;

use base64::Engine as _;
use rcgen::generate_simple_self_signed;
use rustls::pki_types::{CertificateDer, pem::PemObject as _};
use tempfile::TempDir;

use super::*;

/// A certificate for itself, and its key.
fn pair() -> (String, String) {
    let made = generate_simple_self_signed(["usher.test".to_owned()]).unwrap();
    (made.cert.pem(), made.signing_key.serialize_pem())
}

/// A folder with files of these contents; none stands for a file that is not there.
fn folder(certificate: Option<&str>, key: Option<&str>, client_ca: Option<&str>) -> (TempDir, TlsFiles) {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    for (name, content) in [("tls.crt", certificate), ("tls.key", key), ("ca.crt", client_ca)] {
        content.into_iter().for_each(|content| fs::write(path(name), content).unwrap());
    }
    let files =
        TlsFiles { certificate: path("tls.crt"), key: path("tls.key"), client_ca: client_ca.map(|_| path("ca.crt")) };
    (folder, files)
}

fn mistakes(certificate: Option<&str>, key: Option<&str>, client_ca: Option<&str>) -> Vec<String> {
    let (folder, files) = folder(certificate, key, client_ca);
    let mistakes = Tls::load(&files).err().unwrap_or_default();
    let root = format!("{}/", folder.path().display());
    mistakes.iter().map(|mistake| format!("{} {}", mistake.variable, mistake.problem.replace(&root, ""))).collect()
}

#[test]
fn every_file_that_cannot_be_used_is_named_with_why() {
    let ((certificate, key), (_, other_key)) = (pair(), pair());
    let (certificate, key) = (certificate.as_str(), key.as_str());
    let fits: [&str; 0] = [];
    assert_eq!(mistakes(Some(certificate), Some(key), Some(certificate)), fits);
    let missing = "points to tls.crt: No such file or directory (os error 2)";
    assert_eq!(mistakes(None, Some(key), None), [format!("USHER_TLS_CERT_FILE {missing}")]);
    let swapped = [
        "USHER_TLS_CERT_FILE points to tls.crt: there is no certificate in it",
        "USHER_TLS_KEY_FILE points to tls.key: there is no private key in it",
    ];
    assert_eq!(mistakes(Some(key), Some(certificate), None), swapped);
    let other = "USHER_TLS_KEY_FILE points to tls.key: the key does not fit the certificate in tls.crt";
    let authority = "USHER_TLS_CLIENT_CA_FILE points to ca.crt: there is no certificate in it";
    assert_eq!(mistakes(Some(certificate), Some(&other_key), Some("")), [other, authority]);
    let cut = &certificate[..certificate.len() / 2];
    assert!(mistakes(Some(cut), Some(key), None)[0].starts_with("USHER_TLS_CERT_FILE points to tls.crt: "));
    let garbage = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    assert!(mistakes(Some(garbage), Some(key), None)[0].starts_with("USHER_TLS_CERT_FILE points to tls.crt: it holds"));
    assert_eq!(mistakes(Some(certificate), Some(key), Some(garbage)).len(), 1);
    let long = "x".repeat(1024 * 1024 + 1);
    assert!(mistakes(Some(&long), Some(key), None)[0].ends_with("it has more than 1048576 bytes"));
}

/// The older forms are the inside of PKCS#8.
#[test]
fn a_key_comes_as_pkcs8_pkcs1_or_sec1() {
    let pem = |label: &str, der: &[u8]| {
        let text = base64::engine::general_purpose::STANDARD.encode(der);
        format!("-----BEGIN {label}-----\n{text}\n-----END {label}-----\n")
    };
    let rsa: &[u8] = include_bytes!("../../../tests/keys/rsa-of-tests.der");
    let made = generate_simple_self_signed(["usher.test".to_owned()]).unwrap();
    let ec = made.signing_key.serialize_der();
    let inside = ec.windows(5).position(|bytes| bytes == [0x30, 0x6b, 2, 1, 1]).unwrap();
    let keys = [
        pem("PRIVATE KEY", rsa),
        pem("RSA PRIVATE KEY", &rsa[26..]),
        pem("PRIVATE KEY", &ec),
        pem("EC PRIVATE KEY", &ec[inside..]),
    ];
    for key in keys {
        assert!(files::key(Path::new("tls.key"), key.as_bytes()).is_ok(), "{}", key.lines().next().unwrap());
    }
    let locked = pem("ENCRYPTED PRIVATE KEY", rsa);
    assert!(files::key(Path::new("tls.key"), locked.as_bytes()).is_err());
}

#[test]
fn nothing_of_a_key_is_in_a_message() {
    let (certificate, key) = pair();
    let inside = key.lines().nth(1).unwrap();
    let broken = [key.replace("END PRIVATE", "END"), key.replace(inside, &format!("!{inside}")), key[..80].to_owned()];
    for key in broken {
        let told = mistakes(Some(&certificate), Some(&key), None);
        assert!(told.len() == 1 && !told[0].contains(&inside[..8]), "{told:?}");
    }
}

#[test]
fn a_good_pair_is_taken_up_and_a_broken_one_is_not() {
    let (first, second) = (pair(), pair());
    let (folder, files) = folder(Some(&first.0), Some(&first.1), None);
    let mut tls = Tls::load(&files).unwrap_or_else(|mistakes| panic!("{mistakes:?}"));
    let write = |name: &str, content: &str| fs::write(folder.path().join(name), content).unwrap();
    let in_use = |tls: &mut Tls| {
        tls.look();
        let leaf = tls.live.certificate().cert[0].clone();
        [&first, &second].iter().position(|(pem, _)| CertificateDer::from_pem_slice(pem.as_bytes()).unwrap() == leaf)
    };
    assert_eq!(in_use(&mut tls), Some(0));
    write("tls.crt", &second.0);
    assert_eq!(in_use(&mut tls), Some(0), "half a pair");
    write("tls.key", &second.1);
    assert_eq!(in_use(&mut tls), Some(1));
    write("tls.crt", "");
    assert_eq!(in_use(&mut tls), Some(1));
    fs::remove_file(folder.path().join("tls.crt")).unwrap();
    assert_eq!(in_use(&mut tls), Some(1));
    write("tls.crt", &first.0);
    write("tls.key", &first.1);
    assert_eq!(in_use(&mut tls), Some(0));
}

/// As Kubernetes exchanges a mounted secret: all of its files at once, through a link to their folder.
#[test]
fn an_exchanged_link_is_a_change() {
    let (first, second) = (pair(), pair());
    let root = tempfile::tempdir().unwrap();
    let path = |name: &str| root.path().join(name);
    for (name, (certificate, key)) in [("1", &first), ("2", &second)] {
        fs::create_dir(path(name)).unwrap();
        fs::write(path(name).join("tls.crt"), certificate).unwrap();
        fs::write(path(name).join("tls.key"), key).unwrap();
    }
    std::os::unix::fs::symlink(path("1"), path("data")).unwrap();
    let files =
        TlsFiles { certificate: path("data").join("tls.crt"), key: path("data").join("tls.key"), client_ca: None };
    let mut tls = Tls::load(&files).unwrap_or_else(|mistakes| panic!("{mistakes:?}"));
    let before = tls.live.certificate().cert.clone();
    std::os::unix::fs::symlink(path("2"), path("next")).unwrap();
    fs::rename(path("next"), path("data")).unwrap();
    tls.look();
    assert_ne!(tls.live.certificate().cert, before);
}

#[test]
fn only_http_1_is_offered_and_client_certificates_where_they_are_wanted() {
    let (certificate, key) = pair();
    for client_ca in [None, Some(certificate.as_str())] {
        let (_folder, files) = folder(Some(&certificate), Some(&key), client_ca);
        let tls = Tls::load(&files).unwrap_or_else(|mistakes| panic!("{mistakes:?}"));
        assert_eq!(tls.server_config().unwrap().alpn_protocols, [b"http/1.1".to_vec()]);
        assert_eq!(rustls::server::danger::ClientCertVerifier::client_auth_mandatory(&*tls.live), client_ca.is_some());
    }
}
