// SPDX-License-Identifier: Apache-2.0
//
// Services that nobody can use: a process was killed while it made or removed one.

use crate::failure::{shielded, Failure, FailureOut};
use crate::node::{ProcessNode, Stack};
use crate::version::{clean, process_of, CustomHeaderMarker, CustomPayloadMarker, DynamicStorage as Dynamic};
use crate::{status, text::Text};
use iceoryx2::config::Config;
use iceoryx2::prelude::{FileName, MessagingPattern, SemanticString, ServiceName};
use iceoryx2::service::Service;
use iceoryx2_cal::hash::Hash;
use iceoryx2_cal::named_concept::{NamedConceptConfiguration, NamedConceptMgmt};
use std::{fs, path::Path, path::PathBuf};

type Static = <Stack as Service>::StaticStorage;
type Hasher = <Stack as Service>::ServiceNameHasher;

/// What iceoryx2 calls the files of a service.
fn id_of(service: &ServiceName) -> FileName {
    let text = format!("{}{}", MessagingPattern::PublishSubscribe as u32, service.as_str());
    let hash = Hasher::new(text.as_bytes()).value().as_base64url().to_string();
    FileName::new(hash.as_bytes()).expect("a hash is a file name")
}

fn static_config(config: &Config) -> <Static as NamedConceptMgmt>::Configuration {
    <Static as NamedConceptMgmt>::Configuration::default()
        .prefix(&config.global.prefix)
        .suffix(&config.global.service.static_config_storage_suffix)
        .path_hint(&config.global.service_dir())
}

fn dynamic_config(config: &Config) -> <Dynamic as NamedConceptMgmt>::Configuration {
    <Dynamic as NamedConceptMgmt>::Configuration::default()
        .prefix(&config.global.prefix)
        .suffix(&config.global.service.dynamic_config_storage_suffix)
        .path_hint(config.global.root_path())
}

/// Whether anything of it is there and yet it cannot be opened.
unsafe fn is_damaged(node: &ProcessNode, service: &ServiceName, id: &FileName) -> bool {
    let has_static = Static::does_exist_cfg(id, &static_config(&node.config)) != Ok(false);
    let has_dynamic = Dynamic::does_exist_cfg(id, &dynamic_config(&node.config)) != Ok(false);
    if !has_static {
        return has_dynamic;
    }
    let Ok(Some(details)) = Stack::details(service, &node.config, MessagingPattern::PublishSubscribe) else {
        return true;
    };
    let types = details.static_details.publish_subscribe().message_type_details();
    node.node
        .service_builder(service)
        .publish_subscribe::<[CustomPayloadMarker]>()
        .user_header::<CustomHeaderMarker>()
        .__internal_set_payload_type_details(&types.payload)
        .__internal_set_user_header_type_details(&types.user_header)
        .open()
        .is_err()
}

/// The processes that are listed as users of the service. After the dead ones were cleared away, they live.
fn users(config: &Config, id: &FileName) -> Vec<u32> {
    let tag = format!("{}{}{}", config.global.prefix, id, config.global.node.service_tag_suffix);
    let nodes = PathBuf::from(config.global.node_dir().to_string());
    let Ok(folders) = fs::read_dir(nodes) else { return Vec::new() };
    folders
        .filter_map(|folder| {
            let folder = folder.ok()?;
            let node = folder.file_name().to_str()?.parse::<u128>().ok()?;
            Path::exists(&folder.path().join(&tag)).then(|| process_of(node))
        })
        .collect()
}

/// Removes what is left of a service that cannot be used. 1 when there was something, 0 when the service is sound or is none.
///
/// # Safety
/// `node` is one of `iox2_node_open`; the name is UTF-8.
#[no_mangle]
pub unsafe extern "C" fn iox2_heal(node: *const ProcessNode, name: Text, failure: *mut FailureOut) -> i32 {
    shielded(failure, || {
        let node = &*node;
        let name = name.as_str();
        let service = ServiceName::new(name).map_err(|error| {
            Failure::new(status::E_NAME_INVALID, format!("Cannot heal \"{name}\": it is no name of a service ({error:?})"))
        })?;
        let id = id_of(&service);
        clean(&node.node);
        if !is_damaged(node, &service, &id) {
            return Ok(0);
        }
        if let Some(process) = users(&node.config, &id).first() {
            // Each version numbers its nodes in a way of its own, so the process of another's cannot be told.
            let is_known = Path::new(&format!("/proc/{process}")).exists();
            let user = if is_known {
                format!("process {process} lives and uses it")
            } else {
                "a process of another version of iceoryx2 uses it, or left it behind".to_string()
            };
            let text = format!("Cannot heal the service \"{name}\": {user}");
            let value = if is_known { *process as f64 } else { 0.0 };
            return Err(Failure::new(status::E_SERVICE_DAMAGED, text).with(value, 0.0));
        }
        let removed = [
            Static::remove_cfg(&id, &static_config(&node.config)).map_err(|error| format!("{error:?}")),
            Dynamic::remove_cfg(&id, &dynamic_config(&node.config)).map_err(|error| format!("{error:?}")),
        ];
        for error in removed.iter().filter_map(|outcome| outcome.as_ref().err()) {
            let text = format!("Cannot heal the service \"{name}\": what is left of it cannot be removed ({error})");
            return Err(Failure::new(status::E_ACCESS, text));
        }
        Ok(1)
    })
}
