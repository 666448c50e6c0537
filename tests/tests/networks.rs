//! The client in networks that block it, cut it off and give it other addresses: each a story between two network
//! namespaces.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anser_client::session::{Event, LinkEnd, Transport};
use anser_client::shell::Choice;
use anser_client::store::{FileStore, Store};
use anser_tests::judge::{Order, Recorder};
use anser_tests::load::Chat;
use anser_tests::net::{self, Blocked, Phone, Place, SERVER};
use anser_tests::skip;
use tokio::time::{Instant, interval, timeout};

/// Of real time, on a machine that does other things as well.
const SLACK: u32 = 5;
/// A link over another transport than the first that is tried.
const FALLBACK_WITHIN: Duration = Duration::from_secs(3);
/// From the moment when the network is back until everything has arrived.
const RESUMED_WITHIN: Duration = Duration::from_secs(3);
/// How long the network is away.
const HOLE: Duration = Duration::from_secs(5);

#[test]
fn where_udp_is_blocked_the_link_is_tcp_until_udp_comes_through_again() {
    story("where_udp_is_blocked_the_link_is_tcp_until_udp_comes_through_again", &[], async |place| {
        // Given a network that drops UDP,
        place.cable.block(Blocked::Udp).expect("the filter can be set");

        // when a device connects in whatever way works,
        let begun = Instant::now();
        let phone = place.phone("bob", Choice::Race).await;

        // then TCP does, soon, and is remembered.
        let (at, transport) = phone.until_connected(0).await;
        println!("networks: with UDP blocked, connected by {transport:?} after {:?}", at - begun);
        assert_eq!(transport, Transport::Tcp);
        assert!(at - begun <= FALLBACK_WITHIN * SLACK);
        phone.stop().await;
        assert_eq!(winner(&place, "bob"), Some(Transport::Tcp));

        // When UDP is let through and the device is told that something about its network has changed,
        let phone = place.phone("bob", Choice::Race).await;
        phone.until_connected(0).await;
        place.cable.unblock().expect("the filter can be emptied");
        let mut transport = Transport::Tcp;
        for _ in 0..SLACK {
            // (QUIC has a quarter of a second before TCP joins in, which a busy machine may once need)
            let mark = phone.mark();
            phone.client.network_changed("default").await;
            transport = phone.until_connected(mark).await.1;
            if transport == Transport::Quic {
                break;
            }
        }

        // then QUIC wins, and is remembered.
        assert_eq!(transport, Transport::Quic);
        phone.stop().await;
        assert_eq!(winner(&place, "bob"), Some(Transport::Quic));
    });
}

#[test]
fn where_only_web_traffic_passes_the_link_is_a_websocket() {
    story("where_only_web_traffic_passes_the_link_is_a_websocket", &[], async |place| {
        let server = place.daemon.address();
        let gate = place.at_server(net::open_gate((SERVER, 0).into(), server)).await.expect("a free port");
        let begun = Instant::now();
        let phone = place.phone_to(gate, "bob", Choice::Race).await;
        let (at, transport) = phone.until_connected(0).await;
        println!("networks: behind a gate for web traffic, connected by {transport:?} after {:?}", at - begun);
        assert_eq!(transport, Transport::WebSocket);
        assert!(at - begun <= FALLBACK_WITHIN * SLACK);
    });
}

#[test]
fn a_quic_link_goes_on_under_another_address() {
    story("a_quic_link_goes_on_under_another_address", &[], async |place| {
        let talk = Talk::begin(&place, Transport::Quic).await;
        let mark = talk.bob.mark();
        let talking = talk.go_on(Duration::from_secs(2));
        let changing = async {
            // In the middle of the talk, twice.
            talk.until_answered(10).await;
            place.cable.readdress(net::FIRST, net::SECOND).expect("the device can be readdressed");
            talk.until_answered(100).await;
            place.cable.readdress(net::SECOND, net::FIRST).expect("the device can be readdressed");
        };
        tokio::join!(talking, changing);
        talk.until_all_arrived("after the address changed").await;
        assert!(!talk.bob.has_changed_links(mark), "{:#?}", talk.bob.links());
    });
}

#[test]
fn a_tcp_link_is_opened_anew_under_another_address_and_nothing_is_lost() {
    story("a_tcp_link_is_opened_anew_under_another_address_and_nothing_is_lost", &[], async |place| {
        under_another_address(place, Transport::Tcp).await
    });
}

#[test]
fn a_websocket_is_opened_anew_under_another_address_and_nothing_is_lost() {
    story("a_websocket_is_opened_anew_under_another_address_and_nothing_is_lost", &[], async |place| {
        under_another_address(place, Transport::WebSocket).await
    });
}

async fn under_another_address(place: Arc<Place>, transport: Transport) {
    let talk = Talk::begin(&place, transport).await;
    let mark = talk.bob.mark();
    // The cable is out while both talk, and the device comes back under another address.
    place.cable.pull().expect("the cable can be pulled");
    talk.go_on(Duration::from_secs(1)).await;
    place.cable.plug().expect("the cable can be plugged in");
    place.cable.readdress(net::FIRST, net::SECOND).expect("the device can be readdressed");
    talk.until_all_arrived(&format!("by {transport:?} under another address")).await;
    assert!(talk.bob.has_changed_links(mark), "the old link cannot have gone on");
}

#[test]
fn a_black_hole_loses_nothing_over_quic() {
    story("a_black_hole_loses_nothing_over_quic", &[], async |place| black_hole(place, Transport::Quic).await);
}

#[test]
fn a_black_hole_loses_nothing_over_tcp() {
    story("a_black_hole_loses_nothing_over_tcp", &[], async |place| black_hole(place, Transport::Tcp).await);
}

#[test]
fn a_black_hole_loses_nothing_over_websocket() {
    story("a_black_hole_loses_nothing_over_websocket", &[], async |place| {
        black_hole(place, Transport::WebSocket).await
    });
}

async fn black_hole(place: Arc<Place>, transport: Transport) {
    let talk = Talk::begin(&place, transport).await;
    // Nothing comes through, and nobody is told, neither of the beginning nor of the end.
    place.cable.block(Blocked::All).expect("the filter can be set");
    talk.go_on(HOLE).await;
    place.cable.unblock().expect("the filter can be emptied");
    talk.until_all_arrived(&format!("by {transport:?} after a black hole")).await;
    // The cable is pulled and plugged in again, which the device's system tells the client.
    place.cable.pull().expect("the cable can be pulled");
    talk.go_on(HOLE).await;
    place.cable.plug().expect("the cable can be plugged in");
    talk.until_all_arrived(&format!("by {transport:?} after the cable was out")).await;
}

#[test]
fn the_second_handshake_is_short_over_every_transport() {
    story("the_second_handshake_is_short_over_every_transport", &[], async |place| {
        for transport in [Transport::Tcp, Transport::WebSocket, Transport::Quic] {
            let dialer = Arc::new(place.dialer(Choice::Only(transport)));
            for time in ["first", "second"] {
                let begun = Instant::now();
                let phone = place.phone_by(dialer.clone(), "bob").await;
                let (at, _) = phone.until_connected(0).await;
                println!("networks: {time} link by {transport:?} after {:?}", at - begun);
                phone.stop().await;
            }
            assert_eq!(dialer.full_handshakes(), 1, "{transport:?}");
        }
    });
}

#[test]
fn a_dead_link_is_noticed_over_quic() {
    story("a_dead_link_is_noticed_over_quic", &SHORT_HEARTBEAT, async |place| dead_link(place, Transport::Quic).await);
}

#[test]
fn a_dead_link_is_noticed_over_tcp() {
    story("a_dead_link_is_noticed_over_tcp", &SHORT_HEARTBEAT, async |place| dead_link(place, Transport::Tcp).await);
}

#[test]
fn a_dead_link_is_noticed_over_websocket() {
    story("a_dead_link_is_noticed_over_websocket", &SHORT_HEARTBEAT, async |place| {
        dead_link(place, Transport::WebSocket).await
    });
}

/// The shortest that the daemon allows.
const SHORT_HEARTBEAT: [(&str, &str); 1] = [("ANSER_HEARTBEAT_SECONDS", "5,5")];
/// One interval, and the time that an answer to the ping may take.
const NOTICED_WITHIN: Duration = Duration::from_secs(15);

async fn dead_link(place: Arc<Place>, transport: Transport) {
    let phone = place.phone("bob", Choice::Only(transport)).await;
    phone.until_connected(0).await;
    let mark = phone.mark();
    place.cable.block(Blocked::All).expect("the filter can be set");
    let begun = Instant::now();
    let (at, event) =
        phone.until(mark, "the end of the link", |event| matches!(event, Event::Disconnected { .. })).await;
    println!("networks: a dead link by {transport:?} was noticed after {:?}", at - begun);
    assert_eq!(event, Event::Disconnected { reason: LinkEnd::Silent });
    assert!(at - begun <= NOTICED_WITHIN * SLACK);
    place.cable.unblock().expect("the filter can be emptied");
    phone.until_connected(mark).await;
}

/// A conversation of bob, whose network is disturbed, and alice, whose is not.
struct Talk {
    bob: Phone,
    alice: Phone,
    recorder: Recorder,
    counter: AtomicU64,
}

impl Talk {
    async fn begin(place: &Place, transport: Transport) -> Self {
        let bob = place.phone("bob", Choice::Only(transport)).await;
        let alice = place.phone_at_server("alice").await;
        let recorder = Recorder::to_judge();
        let chain = Chat::between("alice", "bob").chain();
        recorder.chain(&chain, Order::Ordered);
        for (phone, user) in [(&bob, "bob"), (&alice, "alice")] {
            phone.record(&recorder);
            recorder.member(&chain, user);
            phone.sign_up().await;
        }
        let talk = Self { bob, alice, recorder, counter: AtomicU64::new(0) };
        talk.say_one_each().await;
        talk.until_all_arrived("before anything happened").await;
        talk
    }

    async fn say_one_each(&self) {
        let number = self.counter.fetch_add(1, Ordering::Relaxed);
        self.bob.post("alice", &format!("bob {number}")).await;
        self.alice.post("bob", &format!("alice {number}")).await;
    }

    /// Both talk for a while, whatever the network does.
    async fn go_on(&self, time: Duration) {
        let begun = Instant::now();
        let mut ticks = interval(Duration::from_millis(20));
        while begun.elapsed() < time {
            ticks.tick().await;
            self.say_one_each().await;
        }
    }

    async fn until_answered(&self, count: u64) {
        let before = self.recorder.progress().answered;
        let answered = self.recorder.until(|progress| progress.answered >= before + count);
        timeout(net::PATIENCE, answered).await.expect("the talk goes on");
    }

    /// Everything that was said has been answered and has arrived, once and in order, and it did not take long.
    async fn until_all_arrived(&self, when: &str) {
        let begun = Instant::now();
        let said = 2 * self.counter.load(Ordering::Relaxed);
        let arrived = self.recorder.until(|progress| progress.answered == said && progress.outstanding == 0);
        let arrived = timeout(net::PATIENCE, arrived).await;
        let took = begun.elapsed();
        println!("networks: {when}: all of {said} had arrived after {took:?}");
        let is_late = arrived.is_err() || took > RESUMED_WITHIN * SLACK;
        assert!(!is_late, "after {took:?}: {:?}; what happened: {:#?}", self.recorder.progress(), self.bob.links());
    }
}

impl Drop for Talk {
    /// The judge has the last word.
    fn drop(&mut self) {
        if !std::thread::panicking() {
            let verdict = self.recorder.verdict();
            assert!(verdict.is_ok(), "{verdict}");
        }
    }
}

fn winner(place: &Place, user: &str) -> Option<Transport> {
    let stored = FileStore::open(&place.store_of(user))
        .and_then(|store| store.load())
        .expect("the store of a device that ended");
    stored.networks.get("default").and_then(|network| network.winner)
}

/// Tells the story, where this machine allows it.
fn story<Telling>(name: &str, settings: &[(&str, &str)], tell: impl FnOnce(Arc<Place>) -> Telling + Send + 'static)
where
    Telling: Future<Output = ()> + Send + 'static,
{
    if let Some(reason) = net::why_not() {
        skip!(name, "{reason}");
    }
    net::story(settings, tell);
}
