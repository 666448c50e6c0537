//! A UDP socket that can be exchanged while QUIC links go on over it.
//!
//! quinn's own way, `Endpoint::rebind`, tells every connection of the new socket. A connection that has just been reset by
//! its peer, and finds that news behind the reset, reports that it is over and then asks the endpoint to note a new reset
//! token. The endpoint has forgotten it by then, panics with its lock held, and panics again when it is dropped, which aborts
//! the process. So here no connection is told: to quinn it is one socket for ever, and the server sees its client's address
//! change, as behind many routers. What that costs: the connection id stays, so whoever watches both networks can tell that
//! it is the same link.

use std::fmt;
use std::io::{self, IoSliceMut};
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use quinn::udp::{RecvMeta, Transmit};
use quinn::{AsyncUdpSocket, UdpPoller};

type Socket = Arc<dyn AsyncUdpSocket>;

pub(super) struct RoamingSocket {
    state: Mutex<State>,
    /// The endpoint makes room for so many once.
    receive_segments: usize,
}

struct State {
    socket: Socket,
    /// The one before, until something arrives on the new one.
    former: Option<Socket>,
    moves: u64,
    receiver: Option<Waker>,
    senders: Vec<Waker>,
}

impl RoamingSocket {
    pub(super) fn new(socket: Socket) -> Arc<Self> {
        let receive_segments = socket.max_receive_segments();
        let state = State { socket, former: None, moves: 0, receiver: None, senders: Vec::new() };
        Arc::new(Self { state: Mutex::new(state), receive_segments })
    }

    /// From now on everything is sent from this socket, which is of the same address family.
    pub(super) fn move_to(&self, socket: Socket) {
        let mut state = self.lock();
        state.former = Some(std::mem::replace(&mut state.socket, socket));
        state.moves += 1;
        // Whoever waits, waits for the former socket.
        let (receiver, senders) = (state.receiver.take(), std::mem::take(&mut state.senders));
        drop(state);
        receiver.into_iter().chain(senders).for_each(Waker::wake);
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl AsyncUdpSocket for RoamingSocket {
    fn create_io_poller(self: Arc<Self>) -> Pin<Box<dyn UdpPoller>> {
        let (poller, moves) = self.lock().poller();
        Box::pin(Poller { socket: self, poller, moves })
    }

    fn try_send(&self, transmit: &Transmit) -> io::Result<()> {
        let socket = self.lock().socket.clone();
        socket.try_send(transmit)
    }

    fn poll_recv(
        &self,
        context: &mut Context,
        buffers: &mut [IoSliceMut<'_>],
        meta: &mut [RecvMeta],
    ) -> Poll<io::Result<usize>> {
        let mut state = self.lock();
        let received = state.socket.poll_recv(context, buffers, meta);
        if received.is_ready() {
            state.former = None;
            return received;
        }
        // A socket of a network that is gone may fail; nothing is expected from it.
        match state.former.as_ref().map(|former| former.poll_recv(context, buffers, meta)) {
            Some(Poll::Ready(Ok(count))) => return Poll::Ready(Ok(count)),
            Some(Poll::Ready(Err(_))) => state.former = None,
            Some(Poll::Pending) | None => {}
        }
        state.receiver = Some(context.waker().clone());
        Poll::Pending
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.lock().socket.local_addr()
    }

    fn max_transmit_segments(&self) -> usize {
        self.lock().socket.max_transmit_segments()
    }

    fn max_receive_segments(&self) -> usize {
        self.receive_segments
    }

    fn may_fragment(&self) -> bool {
        self.lock().socket.may_fragment()
    }
}

impl fmt::Debug for RoamingSocket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RoamingSocket").finish_non_exhaustive()
    }
}

impl State {
    fn poller(&self) -> (Pin<Box<dyn UdpPoller>>, u64) {
        (self.socket.clone().create_io_poller(), self.moves)
    }
}

/// Waits until the present socket takes more.
struct Poller {
    socket: Arc<RoamingSocket>,
    poller: Pin<Box<dyn UdpPoller>>,
    moves: u64,
}

impl UdpPoller for Poller {
    fn poll_writable(mut self: Pin<&mut Self>, context: &mut Context) -> Poll<io::Result<()>> {
        let socket = self.socket.clone();
        let mut state = socket.lock();
        if state.moves != self.moves {
            (self.poller, self.moves) = state.poller();
        }
        let polled = self.poller.as_mut().poll_writable(context);
        if polled.is_pending() && !state.senders.iter().any(|waker| waker.will_wake(context.waker())) {
            state.senders.push(context.waker().clone());
        }
        polled
    }
}

impl fmt::Debug for Poller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Poller").field("moves", &self.moves).finish_non_exhaustive()
    }
}
