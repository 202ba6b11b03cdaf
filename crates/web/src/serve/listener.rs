//! How a listening socket ends without failing anybody: whoever has connected is accepted, and
//! whoever has not is refused.
//!
//! A socket that is shut down resets the connections that nobody has accepted yet, whose clients may
//! have sent their requests already. So nobody may connect any more before it is shut down.

use std::io;
use std::net::{Shutdown, TcpListener};

use socket2::SockRef;

/// Lets nobody connect from now on; those who have can still be accepted. Whoever tries is not
/// refused yet: the packet with which they try is lost, and they send it once more after a second.
#[cfg(target_os = "linux")]
pub(super) fn hold_back(listener: &TcpListener) -> io::Result<()> {
    SockRef::from(listener).attach_filter(&[
        SockFilter::new(LOAD_BYTE, 0, 0, FLAGS),
        SockFilter::new(AND, 0, 0, SYN | ACK),
        SockFilter::new(JUMP_IF_EQUAL, 0, 1, SYN),
        SockFilter::new(RETURN, 0, 0, DROP),
        SockFilter::new(RETURN, 0, 0, PASS),
    ])
}

/// Other systems refuse those who come at the wrong moment less kindly.
#[cfg(not(target_os = "linux"))]
pub(super) fn hold_back(_listener: &TcpListener) -> io::Result<()> {
    Ok(())
}

/// Refuses whoever tries to connect from now on.
pub(super) fn refuse(listener: &TcpListener) -> io::Result<()> {
    SockRef::from(listener).shutdown(Shutdown::Read)
}

#[cfg(target_os = "linux")]
use self::filter::*;

/// The words in which Linux is told which packets a socket gets (`linux/filter.h`).
#[cfg(target_os = "linux")]
mod filter {
    pub(super) use socket2::SockFilter;

    pub(super) const LOAD_BYTE: u16 = 0x30;
    pub(super) const AND: u16 = 0x54;
    pub(super) const JUMP_IF_EQUAL: u16 = 0x15;
    pub(super) const RETURN: u16 = 0x06;

    pub(super) const DROP: u32 = 0;
    pub(super) const PASS: u32 = u32::MAX;

    /// Where TCP's flags are in its header (RFC 9293, 3.1), and two of them.
    pub(super) const FLAGS: u32 = 13;
    pub(super) const SYN: u32 = 0x02;
    pub(super) const ACK: u32 = 0x10;
}
