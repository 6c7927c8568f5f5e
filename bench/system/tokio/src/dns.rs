// Names, by Trust-DNS (now called Hickory), the resolver of Tokio's users: Tokio itself has
// getaddrinfo(3) on its pool of threads.

use crate::run::{beside, on_runtime, require, Cell, Meter};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::Arc;
use trust_dns_resolver::config::{
    LookupIpStrategy, NameServerConfig, Protocol, ResolverConfig, ResolverOpts,
};
use trust_dns_resolver::TokioAsyncResolver;

fn resolver() -> TokioAsyncResolver {
    let server: SocketAddr = std::env::var("BENCH_NAME_SERVER").unwrap().parse().unwrap();
    let mut config = ResolverConfig::new();
    config.add_name_server(NameServerConfig::new(server, Protocol::Udp));
    let mut options = ResolverOpts::default();
    options.ip_strategy = LookupIpStrategy::Ipv4AndIpv6;
    TokioAsyncResolver::tokio(config, options).unwrap()
}

async fn look_up(resolver: Arc<TokioAsyncResolver>, next: Arc<AtomicUsize>, count: usize) {
    loop {
        let i = next.fetch_add(1, Ordering::Relaxed);
        if i >= count {
            break;
        }
        let found = resolver.lookup_ip(format!("n{}.bench.test.", i)).await.unwrap();
        let want = IpAddr::V4(Ipv4Addr::from((127 << 24) + 65_536 + i as u32));
        let addresses: Vec<IpAddr> = found.iter().collect();
        require(addresses.len() == 2 && addresses.contains(&want), "a name's addresses");
    }
}

fn look_ups(workers: usize, count: usize, at_once: usize) -> Vec<f64> {
    on_runtime(workers, async move {
        let resolver = Arc::new(resolver());
        let next = Arc::new(AtomicUsize::new(0));
        let meter = Meter::new();
        beside(at_once, || look_up(resolver.clone(), next.clone(), count)).await;
        meter.each(count, 1e3)
    })
}

pub fn cells() -> Vec<(&'static str, Cell)> {
    vec![
        ("dns", |workers, count| look_ups(workers, count, 1)),
        ("dns-32", |workers, count| look_ups(workers, count, 32)),
    ]
}
