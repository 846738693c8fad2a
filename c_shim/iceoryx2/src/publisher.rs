// SPDX-License-Identifier: Apache-2.0

use crate::failure::{shielded, Failure, FailureOut};
use crate::node::{ProcessNode, Stack};
use crate::service::{keep_service, Factory, ServiceWanted};
use crate::status;
use crate::version::{discarding, CustomHeaderMarker, CustomPayloadMarker};
use iceoryx2::port::publisher::{Publisher, PublisherCreateError};
use iceoryx2::port::update_connections::UpdateConnections;
use iceoryx2::port::{LoanError, SendError};
use iceoryx2::prelude::{CallbackProgression};
use iceoryx2::sample_mut::SampleMut;
use iceoryx2::prelude::PortFactory as _;
use iceoryx2::service::header::publish_subscribe::Header;

type Port = Publisher<Stack, [CustomPayloadMarker], CustomHeaderMarker>;
type Loan = SampleMut<Stack, [CustomPayloadMarker], CustomHeaderMarker>;

pub struct PublisherPort {
    // In this order: loans end before their port, and that before its service.
    loans: Vec<Option<Loan>>,
    port: Port,
    service: Factory,
}

/// A loan, as the caller gets it; mirrors `iox2_chunk` in iox2.h.
#[repr(C)]
#[derive(Default)]
pub struct Chunk {
    pub payload: usize,
    pub payload_bytes: u64,
    /// Where iceoryx2's header of the chunk ends. What lies between it and the payload is nobody's.
    pub header_end: usize,
    pub publisher: [u64; 2],
}

pub fn halves(id: u128) -> [u64; 2] {
    [id as u64, (id >> 64) as u64]
}

/// # Safety
/// The pointers are valid; `wanted` holds UTF-8.
#[no_mangle]
pub unsafe extern "C" fn iox2_publisher_open(
    node: *const ProcessNode,
    wanted: *const ServiceWanted,
    loans: u32,
    out: *mut *mut PublisherPort,
    id: *mut u64,
    failure: *mut FailureOut,
) -> i32 {
    shielded(failure, || {
        let wanted = &*wanted;
        let service = wanted.open(&*node)?;
        let port = discarding(service.publisher_builder().max_loaned_samples(loans as usize))
            .create()
            .map_err(|error| match error {
                PublisherCreateError::ExceedsMaxSupportedPublishers => {
                    let limit = service.static_config().max_publishers();
                    let text = format!(
                        "Cannot open a publisher of \"{}\": the service has {limit}, the limit that its creator chose",
                        wanted.name()
                    );
                    Failure::new(status::E_TOO_MANY_PUBLISHERS, text).with(limit as f64 + 1.0, limit as f64)
                }
                error => Failure::new(
                    status::E_INTERNAL,
                    format!("Cannot open a publisher of \"{}\": iceoryx2 says {error:?}", wanted.name()),
                ),
            })?;
        let halves = halves(port.id().value());
        std::ptr::copy_nonoverlapping(halves.as_ptr(), id, 2);
        let loans = (0..loans).map(|_| None).collect();
        *out = Box::into_raw(Box::new(PublisherPort { loans, port, service }));
        Ok(status::OK)
    })
}

/// Ends the port. Of a node that is lost the service is kept for ever, see `keep_service`.
///
/// # Safety
/// `port` is one of `iox2_publisher_open`, and is not used afterwards.
#[no_mangle]
pub unsafe extern "C" fn iox2_publisher_close(port: *mut PublisherPort, is_lost: u32) {
    shielded(std::ptr::null_mut(), || {
        let PublisherPort { loans, port, service } = *Box::from_raw(port);
        if is_lost != 0 {
            keep_service(service);
        }
        drop(loans);
        drop(port);
        Ok(status::OK)
    });
}

/// Loans a chunk into a slot that is free. OK or NO_CHUNK.
///
/// # Safety
/// `port` is one of `iox2_publisher_open`, `slot` below its loans, `chunk` may be written.
#[no_mangle]
pub unsafe extern "C" fn iox2_publisher_loan(
    port: *mut PublisherPort,
    slot: u32,
    chunk: *mut Chunk,
    failure: *mut FailureOut,
) -> i32 {
    shielded(failure, || {
        let this = &mut *port;
        match this.port.loan_custom_payload(1) {
            Ok(loan) => {
                // The bytes are some block's of before, or zeros: all of them are bytes.
                let loan = loan.assume_init();
                *chunk = Chunk {
                    payload: loan.payload().as_ptr() as usize,
                    payload_bytes: loan.payload().len() as u64,
                    header_end: loan.header() as *const Header as usize + size_of::<Header>(),
                    publisher: [0, 0],
                };
                this.loans[slot as usize] = Some(loan);
                Ok(status::OK)
            }
            Err(LoanError::OutOfMemory) => Ok(status::NO_CHUNK),
            Err(error) => Err(Failure::new(status::E_INTERNAL, format!("iceoryx2 refused a loan with {error:?}"))),
        }
    })
}

/// Delivers the chunk of a slot to whoever is connected.
///
/// # Safety
/// As `iox2_publisher_loan`; the slot has a loan.
#[no_mangle]
pub unsafe extern "C" fn iox2_publisher_send(port: *mut PublisherPort, slot: u32, failure: *mut FailureOut) -> i32 {
    shielded(failure, || {
        let this = &mut *port;
        let Some(loan) = this.loans[slot as usize].take() else {
            return Err(Failure::new(status::E_NOT_LOANED, "The slot has no loan"));
        };
        // Apart from the delivery, which would not happen for anybody when one new subscriber cannot be connected.
        let connected = this.port.update_connections();
        match loan.send() {
            Ok(_) => match connected {
                Ok(()) => Ok(status::OK),
                Err(error) => Err(Failure::new(
                    status::E_STREAM_FULL,
                    format!("A subscriber could not be connected and gets no blocks: iceoryx2 says {error:?}"),
                )),
            },
            Err(SendError::LoanError(LoanError::OutOfMemory)) => Ok(status::NO_CHUNK),
            Err(error) => Err(Failure::new(status::E_INTERNAL, format!("iceoryx2 refused to send with {error:?}"))),
        }
    })
}

/// # Safety
/// As `iox2_publisher_loan`.
#[no_mangle]
pub unsafe extern "C" fn iox2_publisher_discard(port: *mut PublisherPort, slot: u32) {
    shielded(std::ptr::null_mut(), || {
        let this = &mut *port;
        this.loans[slot as usize] = None;
        Ok(status::OK)
    });
}

/// Connects subscribers that have come, who get the history.
///
/// # Safety
/// As `iox2_publisher_loan`.
#[no_mangle]
pub unsafe extern "C" fn iox2_publisher_connect(port: *mut PublisherPort) {
    shielded(std::ptr::null_mut(), || {
        let _ = (*port).port.update_connections();
        Ok(status::OK)
    });
}

/// Subscribers of the service, dead ones too until they are cleared away. Reads shared memory alone: any thread.
///
/// # Safety
/// `port` is one of `iox2_publisher_open` that nobody closes meanwhile.
#[no_mangle]
pub unsafe extern "C" fn iox2_publisher_subscribers(port: *const PublisherPort) -> u32 {
    shielded(std::ptr::null_mut(), || Ok((*port).service.dynamic_config().number_of_subscribers() as i32)) as u32
}

/// The same, told apart: those of this process and those of others.
///
/// # Safety
/// As `iox2_publisher_subscribers`; `own` and `others` may be written.
#[no_mangle]
pub unsafe extern "C" fn iox2_publisher_audience(
    node: *const ProcessNode,
    port: *const PublisherPort,
    own: *mut u32,
    others: *mut u32,
) {
    shielded(std::ptr::null_mut(), || {
        let self_id = *(*node).node.id();
        (*port).service.dynamic_config().list_subscribers(|subscriber| {
            *(if subscriber.node_id == self_id { own } else { others }) += 1;
            CallbackProgression::Continue
        });
        Ok(status::OK)
    });
}
