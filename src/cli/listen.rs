//! Sockets: bound before anything is built, with a message that names what to change.
//! Knows nothing of what listens.

use std::io::ErrorKind;
use std::net::{SocketAddr, TcpListener};

use super::exit::Failure;

/// Listens on `address`, which `origin` (a variable or a flag) asked for.
pub(super) fn bind(origin: &str, address: SocketAddr) -> Result<TcpListener, Failure> {
    TcpListener::bind(address).map_err(|error| match error.kind() {
        ErrorKind::AddrInUse => Failure::unavailable(format!(
            "{origin}: {address} is in use by another process\n  help: stop that process, or set {origin} to another port"
        )),
        ErrorKind::PermissionDenied => Failure::os(format!(
            "{origin}: this user may not listen on {address}\n  help: set {origin} to a port above 1023"
        )),
        _ => Failure::os(format!("{origin}: cannot listen on {address}: {error}\n  help: change {origin}")),
    })
}

/// The address that was really bound.
pub(super) fn address(listener: &TcpListener) -> Result<SocketAddr, Failure> {
    listener.local_addr().map_err(|error| Failure::os(format!("a socket has no address: {error}")))
}
