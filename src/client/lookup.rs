//! Finds the addresses of names, and keeps those that hang from holding up the others.
//!
//! The operating system's own way occupies a thread, for ten seconds and more where a name server says nothing, and
//! nobody can call it off: whoever asked has long given up. So each lookup has a thread of its own, apart from those on
//! which anything else is done; their number is bounded, and a place is free again when its thread has come back, not
//! before. What nobody waits for has half of the places at most.

mod domain;

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs as _};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::thread;

use futures_util::future::BoxFuture;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};

use self::domain::domain;
use super::Asker;

/// Lookups at a time. Others wait, as long as whoever asks has time for that.
pub const LOOKUPS_MAX: usize = 128;
/// Lookups at a time of names of one domain. Rules make names of what an event holds, and then it is mostly one server
/// that does not answer for any of them.
pub const LOOKUPS_PER_DOMAIN_MAX: usize = 16;
/// Lookups that nobody waits for have one in so many of these places at most.
const UNAWAITED_SHARE: usize = 2;

/// Finds the addresses of a name at a port, for somebody.
pub type Resolver = Arc<dyn Fn(String, u16, Asker) -> BoxFuture<'static, io::Result<Vec<SocketAddr>>> + Send + Sync>;

/// A way to find the addresses of a name that keeps its thread busy until it is done.
pub type Blocking = Arc<dyn Fn(&str) -> io::Result<Vec<SocketAddr>> + Send + Sync>;

/// The operating system's own way.
#[must_use]
pub fn system_resolver() -> Resolver {
    resolver(Arc::new(|name| Ok((name, 0).to_socket_addrs()?.collect())))
}

/// Finds names by `find`, each once for all who ask for it meanwhile. What is an address already needs no lookup.
#[must_use]
pub fn resolver(find: Blocking) -> Resolver {
    let lookups = Lookups { find, places: Places::new(LOOKUPS_MAX), under_way: Arc::default() };
    Arc::new(move |host, port, asker| {
        let lookups = lookups.clone();
        Box::pin(async move { lookups.addresses(&host, port, asker).await })
    })
}

/// What a lookup has come to; nothing yet while it is under way.
type Found = watch::Receiver<Option<io::Result<Vec<SocketAddr>>>>;

#[derive(Clone)]
struct Lookups {
    find: Blocking,
    places: Arc<Places>,
    under_way: Arc<Mutex<UnderWay>>,
}

#[derive(Default)]
struct UnderWay {
    names: HashMap<String, Found>,
    /// The places of each domain, for as long as somebody has or wants one.
    domains: HashMap<String, Weak<Places>>,
}

impl Lookups {
    async fn addresses(&self, host: &str, port: u16, asker: Asker) -> io::Result<Vec<SocketAddr>> {
        if let Ok(address) = host.parse::<IpAddr>() {
            return Ok(vec![SocketAddr::new(address, port)]);
        }
        let name = host.to_ascii_lowercase();
        let mut found = match self.joined(&name) {
            Some(found) => found,
            None => self.begun(name, asker).await?,
        };
        let found = found.wait_for(Option::is_some).await.map_err(|_| cut_off())?;
        match found.as_ref() {
            Some(Ok(addresses)) => Ok(addresses.iter().map(|it| at_port(*it, port)).collect()),
            Some(Err(error)) => Err(io::Error::new(error.kind(), error.to_string())),
            None => Err(cut_off()),
        }
    }

    /// The lookup of the name that is under way, if there is one.
    fn joined(&self, name: &str) -> Option<Found> {
        locked(&self.under_way).names.get(name).cloned()
    }

    /// A new lookup, once there is a place for it; or the one that somebody else has begun meanwhile.
    async fn begun(&self, name: String, asker: Asker) -> io::Result<Found> {
        let domain = locked(&self.under_way).domain(&name);
        let places = [domain.take(asker).await?, self.places.take(asker).await?];
        let (done, found) = watch::channel(None);
        {
            let mut under_way = locked(&self.under_way);
            if let Some(found) = under_way.names.get(&name) {
                return Ok(found.clone());
            }
            under_way.names.insert(name.clone(), found.clone());
        }
        let lookup = Lookup { name, under_way: Arc::clone(&self.under_way), _places: places };
        let find = Arc::clone(&self.find);
        thread::Builder::new().name("lookup".to_owned()).spawn(move || {
            let addresses = find(&lookup.name);
            drop(lookup);
            // Whoever asked may have given up.
            drop(done.send(Some(addresses)));
        })?;
        Ok(found)
    }
}

impl UnderWay {
    fn domain(&mut self, name: &str) -> Arc<Places> {
        let domain = domain(name);
        if let Some(places) = self.domains.get(domain).and_then(Weak::upgrade) {
            return places;
        }
        self.domains.retain(|_, places| 0 < places.strong_count());
        let places = Places::new(LOOKUPS_PER_DOMAIN_MAX);
        self.domains.insert(domain.to_owned(), Arc::downgrade(&places));
        places
    }
}

/// A lookup that has its places, until its thread is done with it.
struct Lookup {
    name: String,
    under_way: Arc<Mutex<UnderWay>>,
    _places: [Place; 2],
}

impl Drop for Lookup {
    fn drop(&mut self) {
        locked(&self.under_way).names.remove(&self.name);
    }
}

/// Places of which callers find some left, however many want one for what nobody waits for.
struct Places {
    all: Arc<Semaphore>,
    unawaited: Arc<Semaphore>,
}

/// One of them, until it is dropped.
struct Place {
    _places: Arc<Places>,
    _permits: (Option<OwnedSemaphorePermit>, OwnedSemaphorePermit),
}

impl Places {
    fn new(max: usize) -> Arc<Places> {
        let semaphore = |permits| Arc::new(Semaphore::new(permits));
        Arc::new(Places { all: semaphore(max), unawaited: semaphore(max / UNAWAITED_SHARE) })
    }

    /// A place, as soon as there is one.
    async fn take(self: &Arc<Places>, asker: Asker) -> io::Result<Place> {
        let unawaited = match asker {
            Asker::Caller => None,
            Asker::Nobody => Some(permit(&self.unawaited).await?),
        };
        Ok(Place { _places: Arc::clone(self), _permits: (unawaited, permit(&self.all).await?) })
    }
}

async fn permit(semaphore: &Arc<Semaphore>) -> io::Result<OwnedSemaphorePermit> {
    Arc::clone(semaphore).acquire_owned().await.map_err(|_| cut_off())
}

/// Nothing that is done under the lock can fail halfway.
fn locked(under_way: &Mutex<UnderWay>) -> MutexGuard<'_, UnderWay> {
    under_way.lock().unwrap_or_else(PoisonError::into_inner)
}

fn at_port(mut address: SocketAddr, port: u16) -> SocketAddr {
    address.set_port(port);
    address
}

fn cut_off() -> io::Error {
    io::Error::other("the lookup was cut off")
}
