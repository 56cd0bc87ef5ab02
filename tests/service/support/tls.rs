//! Both ends of TLS over plain sockets and threads: a client of usher, and a server that publishes one document.

use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use rustls::crypto::ring::default_provider;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, pem::PemObject as _};
use rustls::{ClientConfig, ClientConnection, RootCertStore, ServerConfig, ServerConnection, StreamOwned};

use super::authority::Signed;

pub type Stream = StreamOwned<ClientConnection, TcpStream>;

pub fn certificates(pem: &str) -> Vec<CertificateDer<'static>> {
    CertificateDer::pem_slice_iter(pem.as_bytes()).map(Result::unwrap).collect()
}

fn key(signed: &Signed) -> PrivateKeyDer<'static> {
    PrivateKeyDer::from_pem_slice(signed.key.as_bytes()).unwrap()
}

/// How a test connects.
pub struct Client<'a> {
    pub address: &'a str,
    /// The only authority that it trusts, as PEM.
    pub authority: String,
    pub certificate: Option<&'a Signed>,
    pub versions: &'static [&'static rustls::SupportedProtocolVersion],
}

impl<'a> Client<'a> {
    pub fn new(address: &'a str, authority: String) -> Self {
        Self { address, authority, certificate: None, versions: rustls::ALL_VERSIONS }
    }

    fn config(&self) -> ClientConfig {
        let mut roots = RootCertStore::empty();
        certificates(&self.authority).into_iter().for_each(|root| roots.add(root).unwrap());
        let builder = ClientConfig::builder_with_provider(Arc::new(default_provider()));
        let builder = builder.with_protocol_versions(self.versions).unwrap().with_root_certificates(roots);
        let mut config = match self.certificate {
            Some(signed) => builder.with_client_auth_cert(certificates(&signed.certificate), key(signed)).unwrap(),
            None => builder.with_no_client_auth(),
        };
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        config
    }

    /// A connection after its handshake.
    pub fn connect(&self) -> io::Result<Stream> {
        let name = ServerName::try_from("localhost").unwrap();
        let connection = ClientConnection::new(Arc::new(self.config()), name).map_err(io::Error::other)?;
        let socket = TcpStream::connect(self.address)?;
        socket.set_read_timeout(Some(Duration::from_secs(20)))?;
        let mut stream = StreamOwned::new(connection, socket);
        while stream.conn.is_handshaking() {
            stream.conn.complete_io(&mut stream.sock)?;
        }
        Ok(stream)
    }

    /// The certificate that the server shows now.
    pub fn shown(&self) -> io::Result<CertificateDer<'static>> {
        Ok(self.connect()?.conn.peer_certificates().unwrap()[0].clone())
    }

    /// One event over a connection of its own; the whole answer as text.
    pub fn post(&self, token: &str, event: &serde_json::Value) -> io::Result<String> {
        let (mut stream, body) = (self.connect()?, event.to_string());
        let length = body.len();
        let head = format!(
            "POST /v1/events HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {token}\r\n\
             content-type: application/json\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n"
        );
        stream.write_all(format!("{head}{body}").as_bytes())?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer)?;
        Ok(String::from_utf8(answer).unwrap())
    }
}

/// An issuer's server: every request gets the document as it is then.
pub struct Publisher {
    pub url: String,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    document: String,
    /// The heads of all requests, in lower case.
    heads: Vec<String>,
}

impl Publisher {
    pub fn start(signed: &Signed, document: String) -> Self {
        let builder = ServerConfig::builder_with_provider(Arc::new(default_provider()));
        let builder = builder.with_safe_default_protocol_versions().unwrap().with_no_client_auth();
        let config = Arc::new(builder.with_single_cert(certificates(&signed.certificate), key(signed)).unwrap());
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("https://{}/openid/v1/jwks", listener.local_addr().unwrap());
        let state = Arc::new(Mutex::new(State { document, heads: Vec::new() }));
        let shared = state.clone();
        thread::spawn(move || {
            for socket in listener.incoming().map_while(Result::ok) {
                // A client that trusts another authority ends the handshake, which is the point of some tests.
                let _ = answer(&config, socket, &shared);
            }
        });
        Self { url, state }
    }

    pub fn publish(&self, document: String) {
        self.state.lock().unwrap().document = document;
    }

    pub fn heads(&self) -> Vec<String> {
        self.state.lock().unwrap().heads.clone()
    }
}

fn answer(config: &Arc<ServerConfig>, socket: TcpStream, state: &Mutex<State>) -> io::Result<()> {
    socket.set_read_timeout(Some(Duration::from_secs(5)))?;
    let connection = ServerConnection::new(config.clone()).map_err(io::Error::other)?;
    let mut stream = StreamOwned::new(connection, socket);
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte)?;
        head.extend(byte);
    }
    let mut state = state.lock().unwrap();
    state.heads.push(String::from_utf8_lossy(&head).to_lowercase());
    let document = &state.document;
    let length = document.len();
    let answer = format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{document}");
    stream.write_all(answer.as_bytes())?;
    stream.conn.send_close_notify();
    stream.flush()
}
