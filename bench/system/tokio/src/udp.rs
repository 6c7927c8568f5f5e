// Datagrams.

use crate::run::{number_in, on_runtime, put_number, require, Cell, Meter};
use std::os::unix::io::AsRawFd;
use tokio::net::UdpSocket;

const DATAGRAM_BYTES: usize = 64;
const BURST: usize = 32;
const SEGMENTS: usize = 48;
const SEGMENT_BYTES: usize = 1200;
const JOINED_BYTES: usize = 65_536;

const SOL_UDP: i32 = 17;
const UDP_SEGMENT: i32 = 103;
const UDP_GRO: i32 = 104;

/// A server that is bound, and a client that is connected to it.
async fn ends() -> (UdpSocket, UdpSocket) {
    let server = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let client = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    client.connect(server.local_addr().unwrap()).await.unwrap();
    (server, client)
}

async fn answer(server: UdpSocket, count: usize) {
    let mut room = [0; DATAGRAM_BYTES];
    for _ in 0..count {
        let (size, from) = server.recv_from(&mut room).await.unwrap();
        require(size == DATAGRAM_BYTES, "a question");
        let number = number_in(&room) + 1;
        put_number(&mut room, number);
        server.send_to(&room, from).await.unwrap();
    }
}

fn ping_pong(workers: usize, count: usize) -> Vec<f64> {
    on_runtime(workers, async move {
        let (server, client) = ends().await;
        let mut room = [0; DATAGRAM_BYTES];
        let meter = Meter::new();
        let answering = tokio::spawn(answer(server, count));
        for i in 0..count as u64 {
            put_number(&mut room, i);
            client.send(&room).await.unwrap();
            let size = client.recv(&mut room).await.unwrap();
            require(size == DATAGRAM_BYTES && number_in(&room) == i + 1, "an answer");
        }
        answering.await.unwrap();
        meter.each(count, 1.0)
    })
}

fn one_way(workers: usize, count: usize) -> Vec<f64> {
    on_runtime(workers, async move {
        let (server, client) = ends().await;
        let mut room = [0; DATAGRAM_BYTES];
        let meter = Meter::new();
        for first in (0..count).step_by(BURST) {
            for i in first..first + BURST {
                put_number(&mut room, i as u64);
                client.send(&room).await.unwrap();
            }
            for i in first..first + BURST {
                let (size, _) = server.recv_from(&mut room).await.unwrap();
                require(size == DATAGRAM_BYTES && number_in(&room) == i as u64, "a datagram");
            }
        }
        meter.each(count, 1.0)
    })
}

fn set_option(of: &UdpSocket, option: i32, value: i32) {
    let size = std::mem::size_of::<i32>() as libc::socklen_t;
    // SAFETY: the handle is open, and the value has this size.
    let set = unsafe {
        let data = &value as *const i32 as *const libc::c_void;
        libc::setsockopt(of.as_raw_fd(), SOL_UDP, option, data, size)
    };
    require(set == 0, "an option for segments");
}

fn segmented(workers: usize, count: usize) -> Vec<f64> {
    on_runtime(workers, async move {
        let (server, client) = ends().await;
        set_option(&server, UDP_GRO, 1);
        set_option(&client, UDP_SEGMENT, SEGMENT_BYTES as i32);
        let mut data = vec![0; SEGMENTS * SEGMENT_BYTES];
        for i in 0..SEGMENTS {
            put_number(&mut data[i * SEGMENT_BYTES..], i as u64);
        }
        let mut room = vec![0; JOINED_BYTES];
        let meter = Meter::new();
        for _ in (0..count).step_by(SEGMENTS) {
            client.send(&data).await.unwrap();
            let mut seen = 0;
            while seen < SEGMENTS {
                let (size, _) = server.recv_from(&mut room).await.unwrap();
                require(size % SEGMENT_BYTES == 0, "segments");
                for at in (0..size).step_by(SEGMENT_BYTES) {
                    require(number_in(&room[at..]) == seen as u64, "a segment");
                    seen += 1;
                }
            }
        }
        meter.each(count, 1.0)
    })
}

pub fn cells() -> Vec<(&'static str, Cell)> {
    vec![
        ("udp-ping-pong", ping_pong),
        ("udp-one-way", one_way),
        ("udp-segments", segmented),
    ]
}
