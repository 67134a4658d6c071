//! What the kernel says of who is connected.

use std::net::SocketAddr;
use std::path::Path;

use rolecall_attest::SocketPeer;
use tokio::net::unix::UCred;

/// The peer of a Unix socket as it is now, while it waits for its answer.
pub(crate) fn of_socket(credentials: UCred) -> SocketPeer {
    let process = credentials
        .pid()
        .map(|pid| Path::new("/proc").join(pid.to_string()));
    let executable = process.as_ref().and_then(|folder| {
        let link = std::fs::read_link(folder.join("exe")).ok()?;
        link.into_os_string().into_string().ok()
    });
    let cgroup = process.as_ref().and_then(|folder| {
        let text = std::fs::read_to_string(folder.join("cgroup")).ok()?;
        unified(&text).map(str::to_owned)
    });
    SocketPeer {
        uid: credentials.uid(),
        gid: credentials.gid(),
        executable,
        cgroup,
    }
}

/// The path in the one hierarchy of version 2 (cgroups(7), "/proc/[pid]/cgroup").
fn unified(text: &str) -> Option<&str> {
    text.lines().find_map(|line| line.strip_prefix("0::"))
}

/// The user whose socket is `client`, of a TCP connection to our `server` on this machine
/// (proc(5), `/proc/net/tcp`). `None` where the connection is not there, or not of this machine.
pub(crate) fn of_loopback(client: SocketAddr, server: SocketAddr) -> Option<u32> {
    let table = match client {
        SocketAddr::V4(_) => "/proc/net/tcp",
        SocketAddr::V6(_) => "/proc/net/tcp6",
    };
    owner(&std::fs::read_to_string(table).ok()?, client, server)
}

fn owner(table: &str, client: SocketAddr, server: SocketAddr) -> Option<u32> {
    let (client, server) = (written(client), written(server));
    table.lines().skip(1).find_map(|line| {
        let mut fields = line.split_ascii_whitespace().skip(1);
        let is_it = fields.next() == Some(&client) && fields.next() == Some(&server);
        // State, queues, timer, retransmissions.
        is_it.then(|| fields.nth(4)?.parse().ok()).flatten()
    })
}

/// As the kernel writes it: each word of the address in the machine's own order.
fn written(address: SocketAddr) -> String {
    let word = |bytes: &[u8]| {
        let mut four = [0; 4];
        four.copy_from_slice(bytes);
        format!("{:08X}", u32::from_ne_bytes(four))
    };
    let host: String = match address {
        SocketAddr::V4(address) => word(&address.ip().octets()),
        SocketAddr::V6(address) => address.ip().octets().chunks(4).map(word).collect(),
    };
    format!("{host}:{:04X}", address.port())
}

#[cfg(test)]
mod tests {
    use std::net::{TcpListener, TcpStream};

    use super::*;

    #[test]
    fn the_kernel_says_whose_connection_it_is() {
        for host in ["127.0.0.1:0", "[::1]:0"] {
            let Ok(listener) = TcpListener::bind(host) else {
                // A machine without IPv6 has one way less to ask.
                assert_ne!(host, "127.0.0.1:0");
                continue;
            };
            let client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
            let (served, remote) = listener.accept().unwrap();
            let own = rustix::process::geteuid().as_raw();
            assert_eq!(of_loopback(remote, served.local_addr().unwrap()), Some(own));
            let nobody = SocketAddr::new(remote.ip(), 1);
            assert_eq!(of_loopback(nobody, served.local_addr().unwrap()), None);
            drop(client);
        }
    }

    #[test]
    fn only_the_second_version_names_a_control_group() {
        assert_eq!(
            unified("12:cpu:/a\n0::/system.slice/web.service\n"),
            Some("/system.slice/web.service")
        );
        assert_eq!(unified("12:cpu:/a\n"), None);
    }
}
