// SPDX-License-Identifier: Apache-2.0

use crate::failure::{shielded, Failure, FailureOut};
use crate::node::ProcessNode;
use crate::publisher::{halves, Chunk};
use crate::service::{keep_service, Factory, ServiceWanted};
use crate::status;
use crate::version::{receive, PortOf as Port, SampleOf as Held};
use iceoryx2::port::subscriber::SubscriberCreateError;
use iceoryx2::port::ReceiveError;
use iceoryx2::prelude::{CallbackProgression, PortFactory as _};
use iceoryx2::service::header::publish_subscribe::Header;

pub struct SubscriberPort {
    // In this order: what is held is given back before its port ends, and that before its service.
    held: Vec<Option<Held>>,
    port: Port,
    service: Factory,
}

/// # Safety
/// The pointers are valid; `wanted` holds UTF-8. `capacity` becomes the one in force.
#[no_mangle]
pub unsafe extern "C" fn iox2_subscriber_open(
    node: *const ProcessNode,
    wanted: *const ServiceWanted,
    slots: u32,
    capacity: *mut u32,
    out: *mut *mut SubscriberPort,
    failure: *mut FailureOut,
) -> i32 {
    shielded(failure, || {
        let wanted = &*wanted;
        let service = wanted.open(&*node)?;
        let limits = service.static_config();
        *capacity = (*capacity).min(limits.subscriber_max_buffer_size() as u32);
        let port = service.subscriber_builder().buffer_size(*capacity as usize).create().map_err(|error| match error {
            SubscriberCreateError::ExceedsMaxSupportedSubscribers => {
                let limit = service.static_config().max_subscribers();
                let text = format!(
                    "Cannot open a subscriber of \"{}\": the service has {limit}, the limit that its creator chose",
                    wanted.name()
                );
                Failure::new(status::E_STREAM_FULL, text).with(limit as f64 + 1.0, limit as f64)
            }
            error => Failure::new(
                status::E_INTERNAL,
                format!("Cannot open a subscriber of \"{}\": iceoryx2 says {error:?}", wanted.name()),
            ),
        })?;
        let held = (0..slots).map(|_| None).collect();
        *out = Box::into_raw(Box::new(SubscriberPort { held, port, service }));
        Ok(status::OK)
    })
}

/// Ends the port. Of a node that is lost the service is kept for ever, see `keep_service`.
///
/// # Safety
/// `port` is one of `iox2_subscriber_open`, and is not used afterwards.
#[no_mangle]
pub unsafe extern "C" fn iox2_subscriber_close(port: *mut SubscriberPort, is_lost: u32) {
    shielded(std::ptr::null_mut(), || {
        let SubscriberPort { held, port, service } = *Box::from_raw(port);
        if is_lost != 0 {
            keep_service(service);
        }
        drop(held);
        drop(port);
        Ok(status::OK)
    });
}

/// Takes the next chunk into a slot that is free. 1 when there was one.
///
/// # Safety
/// `port` is one of `iox2_subscriber_open`, `slot` below its slots, `chunk` may be written.
#[no_mangle]
pub unsafe extern "C" fn iox2_subscriber_take(
    port: *mut SubscriberPort,
    slot: u32,
    chunk: *mut Chunk,
    failure: *mut FailureOut,
) -> i32 {
    shielded(failure, || {
        let this = &mut *port;
        let mut received = receive(&this.port);
        if let Err(ReceiveError::ConnectionFailure(_)) = received {
            // Told once, when a publisher could not be connected; what the others have sent can be taken.
            received = receive(&this.port);
        }
        match received {
            Ok(None) => Ok(0),
            Ok(Some(sample)) => {
                let header = sample.header();
                *chunk = Chunk {
                    payload: sample.payload().as_ptr() as usize,
                    payload_bytes: sample.payload().len() as u64,
                    header_end: header as *const Header as usize + size_of::<Header>(),
                    publisher: halves(header.publisher_id().value()),
                };
                this.held[slot as usize] = Some(sample);
                Ok(1)
            }
            Err(ReceiveError::ExceedsMaxBorrows) => {
                let limit = this.service.static_config().subscriber_max_borrowed_samples() as f64;
                let text = format!(
                    "Cannot take another block: {limit} of one publisher are held, the limit that the creator of the service chose. \
                     Release some"
                );
                Err(Failure::new(status::E_TOO_MANY_HELD, text).with(limit + 1.0, limit))
            }
            Err(error) => Err(Failure::new(status::E_INTERNAL, format!("iceoryx2 refused to receive with {error:?}"))),
        }
    })
}

/// # Safety
/// As `iox2_subscriber_take`.
#[no_mangle]
pub unsafe extern "C" fn iox2_subscriber_release(port: *mut SubscriberPort, slot: u32) {
    shielded(std::ptr::null_mut(), || {
        let this = &mut *port;
        this.held[slot as usize] = None;
        Ok(status::OK)
    });
}

/// 1 when a take would find something.
///
/// # Safety
/// As `iox2_subscriber_take`.
#[no_mangle]
pub unsafe extern "C" fn iox2_subscriber_has_data(port: *const SubscriberPort) -> i32 {
    shielded(std::ptr::null_mut(), || {
        let port = &(*port).port;
        // A publisher that could not be connected is told of once; others may have sent something.
        Ok(i32::from(port.has_samples().or_else(|_| port.has_samples()).unwrap_or(false)))
    })
}

/// Publishers of the service that are of other nodes.
///
/// # Safety
/// `port` is one of `iox2_subscriber_open`, `node` of `iox2_node_open`.
#[no_mangle]
pub unsafe extern "C" fn iox2_subscriber_other_publishers(node: *const ProcessNode, port: *const SubscriberPort) -> u32 {
    shielded(std::ptr::null_mut(), || {
        let own = *(*node).node.id();
        let mut others = 0;
        (*port).service.dynamic_config().list_publishers(|publisher| {
            others += i32::from(publisher.node_id != own);
            CallbackProgression::Continue
        });
        Ok(others)
    }) as u32
}
