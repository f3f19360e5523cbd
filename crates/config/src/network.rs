//! Networks in CIDR notation.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::IpNet;
use serde::Deserialize;
use serde::de::Deserializer;

use crate::yaml::refusal;

/// `192.30.252.0/22`, or one address.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Network(pub(crate) IpNet);

impl<'de> Deserialize<'de> for Network {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let network = text.parse().or_else(|_| text.parse::<IpAddr>().map(IpNet::from));
        let Ok(network) = network else {
            return Err(refusal(
                format!("`{text}` is no network"),
                "write an address and the length of its prefix, such as 192.30.252.0/22 or 2a0a:a440::/29",
            ));
        };
        // More often a mistyped prefix than meant.
        if network != network.trunc() {
            return Err(refusal(
                format!("`{text}` names an address within a network"),
                format!(
                    "write {} for the network, or {} for the one address",
                    network.trunc(),
                    network.addr()
                ),
            ));
        }
        Ok(Self(network))
    }
}

/// Whether one of `networks` holds an address by which a machine speaks to itself.
pub(crate) fn reach_loopback(networks: &[IpNet]) -> bool {
    let own: [IpAddr; 2] = [Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()];
    let reaches =
        |network: &IpNet| network.addr().is_loopback() || own.iter().any(|own| network.contains(own));
    networks.iter().any(reaches)
}
