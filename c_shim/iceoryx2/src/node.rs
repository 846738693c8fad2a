// SPDX-License-Identifier: Apache-2.0
//
// This process as iceoryx2 knows it.

use crate::failure::{shielded, Failure, FailureOut};
use crate::version::{clean, process_of, set_logger, Log, LogLevel};
use crate::{status, text::Text};
use iceoryx2::config::Config;
use iceoryx2::node::{Node, NodeBuilder, NodeCreationFailure, NodeState, NodeView};
use iceoryx2::prelude::{CallbackProgression, FileName, NodeName, Path, SemanticString, SignalHandlingMode};
use iceoryx2::service::ipc;
use std::fmt::Arguments;
use std::sync::Once;

/// iceoryx2's services for one thread: the caller keeps other threads out of a port, which costs less than their lock.
pub type Stack = ipc::Service;

pub struct ProcessNode {
    pub node: Node<Stack>,
    pub config: Config,
}

/// Publishers that are gone of which one subscriber has blocks to read, as many as a service of ours has at once. Each look at a port
/// passes the places of all of them, so that iceoryx2's default of 128 is most of the time of a look in vain.
const EXPIRED_CONNECTIONS_MAX: usize = 16;

/// Nothing is printed: what goes wrong is told by a status.
struct Silence;

impl Log for Silence {
    fn log(&self, _: LogLevel, _: Arguments, _: Arguments) {}
}

static SILENCE: Silence = Silence;

fn be_silent() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        set_logger(&SILENCE);
        // Of the panics of this library alone: a program in Rust that loads it has a hook of its own.
        std::panic::set_hook(Box::new(|_| {}));
    });
}

fn configuration(root: &str, prefix: &str) -> Result<Config, Failure> {
    let mut config = Config::global_config().clone();
    config.defaults.publish_subscribe.subscriber_expired_connection_buffer = EXPIRED_CONNECTIONS_MAX;
    if !root.is_empty() {
        let path = Path::new(root.as_bytes()).map_err(|error| {
            Failure::new(status::E_OPTION, format!("Cannot use the root \"{root}\": it is no path ({error:?})"))
        })?;
        config.global.set_root_path(&path);
    }
    if !prefix.is_empty() {
        config.global.prefix = FileName::new(prefix.as_bytes()).map_err(|error| {
            Failure::new(status::E_OPTION, format!("Cannot use the prefix \"{prefix}\": it is no file name ({error:?})"))
        })?;
    }
    Ok(config)
}

/// A name that another live process has. Not to be asked by a process that has a node: the look at its own lock would end that.
fn refuse_if_taken(config: &Config, name: &str) -> Result<(), Failure> {
    let mut owner = None;
    let _ = Node::<Stack>::list(config, |state| {
        if let NodeState::Alive(view) = state {
            if view.details().as_ref().is_some_and(|details| details.name().as_str() == name) {
                owner = Some(process_of(view.id().value()));
            }
        }
        CallbackProgression::Continue
    });
    match owner {
        None => Ok(()),
        Some(process) => {
            let text = format!("Cannot open the runtime \"{name}\": process {process} has this name");
            Err(Failure::new(status::E_NAME_IN_USE, text).with(process as f64, 0.0))
        }
    }
}

/// Makes the node. Nodes of dead processes are cleared away first.
///
/// # Safety
/// The texts are UTF-8, `out`, `path` and `failure` may be written.
#[no_mangle]
pub unsafe extern "C" fn iox2_node_open(
    name: Text,
    must_be_free: u32,
    root: Text,
    prefix: Text,
    out: *mut *mut ProcessNode,
    path: *mut u8,
    path_bytes: usize,
    failure: *mut FailureOut,
) -> i32 {
    shielded(failure, || {
        be_silent();
        let config = configuration(root.as_str(), prefix.as_str())?;
        let name = name.as_str();
        let node_name = NodeName::new(name).map_err(|error| {
            Failure::new(status::E_NAME_INVALID, format!("Cannot use the runtime name \"{name}\" ({error:?})"))
        })?;
        if must_be_free != 0 {
            refuse_if_taken(&config, name)?;
        }
        let node = NodeBuilder::new()
            .name(&node_name)
            .config(&config)
            .signal_handling_mode(SignalHandlingMode::Disabled)
            .create::<Stack>()
            .map_err(|error| {
                let root = config.global.root_path();
                match error {
                    NodeCreationFailure::InsufficientPermissions => Failure::new(
                        status::E_ACCESS,
                        format!("Cannot open a runtime: this user may not write iceoryx2's folder {root}"),
                    ),
                    _ => Failure::new(
                        status::E_INTERNAL,
                        format!("Cannot open a runtime: iceoryx2 could not make a node in {root} ({error:?})"),
                    ),
                }
            })?;
        // What the node is known to live by, for a look whether it is still there. (It must not be opened: that would end its lock.)
        let (prefix, suffix) = (&config.global.prefix, &config.global.node.monitor_suffix);
        let monitor = format!("{}/{prefix}{}{suffix}\0", config.global.node_dir(), node.id().value());
        std::ptr::copy_nonoverlapping(monitor.as_ptr(), path, monitor.len().min(path_bytes));
        *out = Box::into_raw(Box::new(ProcessNode { node, config }));
        Ok(status::OK)
    })
}

/// Ends the node; its ports were ended before. One that is lost is left as it is: its descriptors may be closed already.
///
/// # Safety
/// `node` is one of `iox2_node_open`, and is not used afterwards.
#[no_mangle]
pub unsafe extern "C" fn iox2_node_close(node: *mut ProcessNode, is_lost: u32) {
    shielded(std::ptr::null_mut(), || {
        let node = Box::from_raw(node);
        if is_lost != 0 {
            std::mem::forget(node);
        }
        Ok(status::OK)
    });
}

/// Clears away what dead processes have left. Returns how many there were.
///
/// # Safety
/// `node` is one of `iox2_node_open`.
#[no_mangle]
pub unsafe extern "C" fn iox2_node_clean(node: *const ProcessNode) -> i32 {
    shielded(std::ptr::null_mut(), || {
        Ok(clean(&(*node).node) as i32)
    })
}
