//! What an expression may read.

use std::collections::BTreeMap;
use std::sync::Arc;

use kfplan_model::{Each, ResourceAddress, Value};

/// What is known of a resource.
#[derive(Debug, Clone, Copy)]
pub enum Known<'a> {
    /// Its fields and outputs, as one map. What is not known yet is a late leaf of it.
    Single(&'a Value),
    /// It has a `for_each`: its keys, in order. Each instance is asked for with its key.
    Keyed(&'a [Arc<str>]),
}

/// The roots of an expression: `vars`, `env`, `each`, and the resources.
pub trait Roots {
    /// The value of `vars.NAME`.
    fn variable(&self, name: &str) -> Option<&Value>;
    /// The value of `env.name`.
    fn environment(&self) -> &str;
    /// `each`, under `for_each`.
    fn each(&self) -> Option<&Each>;
    /// A resource, or one instance of it; nothing when it is not there in this environment.
    fn resource(&self, address: &ResourceAddress) -> Option<Known<'_>>;
}

/// Roots that are held as plain maps.
#[derive(Debug, Clone, Default)]
pub struct Names {
    /// `vars`, by name.
    pub variables: BTreeMap<String, Value>,
    /// `env.name`.
    pub environment: String,
    /// `each`.
    pub each: Option<Each>,
    resources: BTreeMap<ResourceAddress, Value>,
    keys: BTreeMap<ResourceAddress, Vec<Arc<str>>>,
}

impl Names {
    /// Makes a resource known, or one instance of it, by its fields and outputs.
    pub fn insert(&mut self, address: ResourceAddress, fields: Value) {
        if let Some(key) = address.key() {
            self.declare_keyed(address.without_key());
            if let Some(keys) = self.keys.get_mut(&address.without_key())
                && let Err(place) = keys.binary_search_by(|known| known.as_ref().cmp(key))
            {
                keys.insert(place, key.into());
            }
        }
        self.resources.insert(address, fields);
    }

    /// Makes a resource known that has a `for_each`, perhaps without a single key.
    pub fn declare_keyed(&mut self, address: ResourceAddress) {
        self.keys.entry(address).or_default();
    }
}

impl Roots for Names {
    fn variable(&self, name: &str) -> Option<&Value> {
        self.variables.get(name)
    }

    fn environment(&self) -> &str {
        &self.environment
    }

    fn each(&self) -> Option<&Each> {
        self.each.as_ref()
    }

    fn resource(&self, address: &ResourceAddress) -> Option<Known<'_>> {
        match self.keys.get(address) {
            Some(keys) => Some(Known::Keyed(keys)),
            None => self.resources.get(address).map(Known::Single),
        }
    }
}

/// The roots outside of a resource's `for_each`, where its values were written.
pub(crate) struct WithoutEach<'a>(pub(crate) &'a dyn Roots);

impl Roots for WithoutEach<'_> {
    fn variable(&self, name: &str) -> Option<&Value> {
        self.0.variable(name)
    }

    fn environment(&self) -> &str {
        self.0.environment()
    }

    fn each(&self) -> Option<&Each> {
        None
    }

    fn resource(&self, address: &ResourceAddress) -> Option<Known<'_>> {
        self.0.resource(address)
    }
}
