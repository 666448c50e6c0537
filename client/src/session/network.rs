//! Where the device is: which network, and what was learned in it.

use super::*;

impl Session {
    /// The device is in another network, or something about its network has changed, as its address. A QUIC link moves
    /// along; its shell has given it a new socket. Other links are opened anew at once.
    pub fn handle_network_changed(&mut self, network: &str, now: Duration) {
        self.now = now;
        if self.config.network == network {
            // What kept QUIC from winning here may be gone, too.
            self.networks.entry(network.to_owned()).or_default().winner = None;
        }
        self.config.network = network.to_owned();
        self.backoff.reset();
        self.was_replaced = false;
        match &mut self.state {
            State::Linked(link) if link.transport == Transport::Quic && link.phase == Phase::Welcomed => {
                link.heartbeat.handle_doubt(now);
                self.transmit(&ClientFrame::Ping);
            }
            State::Linked(_) => {
                self.end_link(LinkEnd::NetworkChanged);
                self.connect();
            }
            // An attempt that began before the change may be waiting for what was lost then.
            State::Waiting { .. } | State::Connecting => {
                self.connect();
            }
            State::Stopped => {}
        }
        self.drive();
    }

    /// The network that the device is in, as far as the session was told.
    pub fn network(&self) -> &str {
        &self.config.network
    }

    /// The winner of a race of transports, to be tried first next time in this network.
    pub fn remember_winner(&mut self, transport: Transport) {
        let memory = self.networks.entry(self.config.network.clone()).or_default();
        if memory.winner != Some(transport) {
            memory.winner = Some(transport);
            self.transaction.writes.push(Write::Winner { network: self.config.network.clone(), transport });
            self.flush();
        }
    }

    /// The transport that won the last race in this network.
    pub fn remembered_winner(&self) -> Option<Transport> {
        self.networks.get(&self.config.network).and_then(|network| network.winner)
    }
}
