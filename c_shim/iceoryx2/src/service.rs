// SPDX-License-Identifier: Apache-2.0
//
// Opening a service, or creating it where there is none.

use crate::failure::Failure;
use crate::node::{ProcessNode, Stack};
use crate::version::{is_of_another_version, CustomHeaderMarker, CustomPayloadMarker, TypeName};
use crate::{status, text::Text};
use iceoryx2::node::Node;
use iceoryx2::prelude::ServiceName;
use iceoryx2::service::builder::publish_subscribe::{
    Builder, PublishSubscribeCreateError, PublishSubscribeOpenError,
};
use iceoryx2::service::port_factory::publish_subscribe::PortFactory;
use iceoryx2::service::static_config::message_type_details::{TypeDetail, TypeVariant};
use iceoryx2::testing::create_custom_type_detail;
use std::time::{Duration, Instant};

pub type Factory = PortFactory<Stack, [CustomPayloadMarker], CustomHeaderMarker>;

/// What a service is to be, where it does not exist yet; mirrors `iox2_service` in iox2.h.
#[repr(C)]
pub struct ServiceWanted {
    name: Text,
    type_name: Text,
    payload_bytes: u32,
    alignment: u32,
    publishers_max: u32,
    subscribers_max: u32,
    nodes_max: u32,
    history: u32,
    buffer_max: u32,
    borrowed_max: u32,
    timeout_ms: u32,
}

/// Lets a service be, as long as the process lives. Whoever lets go of a service last removes it by its name; when the root was removed
/// under it, what has that name now is another service, which others use.
pub fn keep_service(service: Factory) {
    std::mem::forget(service);
}

const PAUSE: Duration = Duration::from_millis(2);

type PortBuilder = Builder<[CustomPayloadMarker], CustomHeaderMarker, Stack>;

impl ServiceWanted {
    pub unsafe fn name<'a>(&self) -> &'a str {
        self.name.as_str()
    }

    unsafe fn payload(&self) -> Result<TypeDetail, Failure> {
        let name = self.type_name.as_str();
        let type_name = TypeName::from_bytes(name.as_bytes()).map_err(|error| {
            Failure::new(status::E_OPTION, format!("Cannot use the type name \"{name}\" ({error:?})"))
        })?;
        let (bytes, alignment) = (self.payload_bytes as usize, self.alignment as usize);
        Ok(create_custom_type_detail(TypeVariant::FixedSize, type_name, bytes, alignment))
    }

    unsafe fn builder(&self, node: &Node<Stack>) -> Result<PortBuilder, Failure> {
        let name = self.name();
        let service_name = ServiceName::new(name).map_err(|error| {
            Failure::new(status::E_NAME_INVALID, format!("Cannot use \"{name}\" as the name of a service ({error:?})"))
        })?;
        let header = TypeDetail::new::<()>(TypeVariant::FixedSize);
        Ok(node
            .service_builder(&service_name)
            .publish_subscribe::<[CustomPayloadMarker]>()
            .user_header::<CustomHeaderMarker>()
            .__internal_set_payload_type_details(&self.payload()?)
            .__internal_set_user_header_type_details(&header))
    }

    /// Asks for nothing but the type first: whoever made the service has chosen its limits.
    pub unsafe fn open(&self, node: &ProcessNode) -> Result<Factory, Failure> {
        let builder = self.builder(&node.node)?;
        let end = Instant::now() + Duration::from_millis(self.timeout_ms as u64);
        loop {
            let failure = match builder.clone().open() {
                Ok(factory) => return Ok(factory),
                Err(PublishSubscribeOpenError::DoesNotExist) => match self.create(builder.clone()) {
                    Ok(factory) => return Ok(factory),
                    Err(error) => self.create_failure(error),
                },
                Err(error) => self.open_failure(error),
            };
            // Somebody else is making or ending it at this moment.
            if !failure.1 || Instant::now() >= end {
                return Err(failure.0);
            }
            std::thread::sleep(PAUSE);
        }
    }

    fn create(&self, builder: PortBuilder) -> Result<Factory, PublishSubscribeCreateError> {
        builder
            .max_publishers(self.publishers_max as usize)
            .max_subscribers(self.subscribers_max as usize)
            .max_nodes(self.nodes_max as usize)
            .history_size(self.history as usize)
            .subscriber_max_buffer_size(self.buffer_max as usize)
            .subscriber_max_borrowed_samples(self.borrowed_max as usize)
            .enable_safe_overflow(true)
            .create()
    }

    /// The failure, and whether it may be over in a moment.
    unsafe fn open_failure(&self, error: PublishSubscribeOpenError) -> (Failure, bool) {
        let name = self.name();
        let refuse = |status: i32, why: &str| Failure::new(status, format!("Cannot open the service \"{name}\": {why}"));
        use PublishSubscribeOpenError as Error;
        match error {
            Error::DoesNotExist | Error::IsMarkedForDestruction => {
                (refuse(status::E_INTERNAL, "it is being made or removed all the time"), true)
            }
            Error::HangsInCreation => (refuse(status::E_SERVICE_DAMAGED, DAMAGED), true),
            Error::ServiceInCorruptedState => (refuse(status::E_SERVICE_DAMAGED, DAMAGED), true),
            Error::IncompatibleTypes => {
                let why = format!(
                    "it carries another type than \"{}\" of {} bytes aligned to {}",
                    self.type_name.as_str(),
                    self.payload_bytes,
                    self.alignment
                );
                (refuse(status::E_SERVICE_TYPE, &why), false)
            }
            Error::IncompatibleMessagingPattern => {
                (refuse(status::E_SERVICE_TYPE, "it is no publish-subscribe service"), false)
            }
            Error::InsufficientPermissions => (refuse(status::E_ACCESS, "this user may not use it"), false),
            Error::ExceedsMaxNumberOfNodes => {
                (refuse(status::E_TOO_MANY_PROCESSES, "it takes no further process"), false)
            }
            error if is_of_another_version(error) => {
                (refuse(status::E_VERSION, "it belongs to another version of iceoryx2"), false)
            }
            error => (refuse(status::E_INTERNAL, &format!("iceoryx2 says {error:?}")), true),
        }
    }

    unsafe fn create_failure(&self, error: PublishSubscribeCreateError) -> (Failure, bool) {
        let name = self.name();
        let refuse =
            |status: i32, why: &str| Failure::new(status, format!("Cannot create the service \"{name}\": {why}"));
        use PublishSubscribeCreateError as Error;
        match error {
            Error::ServiceInCorruptedState => (refuse(status::E_SERVICE_DAMAGED, DAMAGED), true),
            Error::HangsInCreation => (refuse(status::E_SERVICE_DAMAGED, DAMAGED), true),
            Error::InsufficientPermissions => {
                (refuse(status::E_ACCESS, "this user may not write iceoryx2's folders"), false)
            }
            Error::AlreadyExists | Error::IsBeingCreatedByAnotherInstance => {
                (refuse(status::E_INTERNAL, "others are making it all the time"), true)
            }
            error => (refuse(status::E_INTERNAL, &format!("iceoryx2 says {error:?}")), false),
        }
    }
}

const DAMAGED: &str = "it is damaged, as after a process was killed while it made or removed it, or it belongs to another \
                       version of iceoryx2. When no such version is in use here, heal it";
