//! How much memory a command holds: whatever it holds, found by walking over it as if it were written down.

use serde::ser::{self, Serialize};

use crate::command::{Command, Stamped};

/// A text or a list lies outside of what holds it: its place there, and what the allocator keeps.
const BLOCK: usize = size_of::<String>() + 16;

/// About, and never much too little: it bounds what may wait.
pub(super) fn weight(command: &Command) -> usize {
    let mut scale = Scale { bytes: size_of::<Stamped>() };
    match command.serialize(&mut scale) {
        Ok(()) => scale.bytes,
        // Nothing here fails by itself.
        Err(Unweighable) => usize::MAX,
    }
}

struct Scale {
    bytes: usize,
}

#[derive(Debug, thiserror::Error)]
#[error("it cannot be weighed")]
struct Unweighable;

impl ser::Error for Unweighable {
    fn custom<T: std::fmt::Display>(_: T) -> Self {
        Self
    }
}

type Weighed = Result<(), Unweighable>;

impl Scale {
    fn block(&mut self, bytes: usize) -> Weighed {
        self.bytes += BLOCK + bytes;
        Ok(())
    }
}

macro_rules! plain {
    ($($method:ident: $of:ty;)*) => {
        $(fn $method(self, _: $of) -> Weighed {
            self.bytes += size_of::<$of>();
            Ok(())
        })*
    };
}

impl ser::Serializer for &mut Scale {
    type Ok = ();
    type Error = Unweighable;
    type SerializeSeq = Self;
    type SerializeTuple = Self;
    type SerializeTupleStruct = Self;
    type SerializeTupleVariant = Self;
    type SerializeMap = Self;
    type SerializeStruct = Self;
    type SerializeStructVariant = Self;

    plain! {
        serialize_bool: bool; serialize_char: char; serialize_f32: f32; serialize_f64: f64;
        serialize_i8: i8; serialize_i16: i16; serialize_i32: i32; serialize_i64: i64;
        serialize_u8: u8; serialize_u16: u16; serialize_u32: u32; serialize_u64: u64;
    }

    fn serialize_str(self, text: &str) -> Weighed {
        self.block(text.len())
    }

    fn serialize_bytes(self, bytes: &[u8]) -> Weighed {
        self.block(bytes.len())
    }

    fn serialize_none(self) -> Weighed {
        Ok(())
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Weighed {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Weighed {
        Ok(())
    }

    fn serialize_unit_struct(self, _: &'static str) -> Weighed {
        Ok(())
    }

    fn serialize_unit_variant(self, _: &'static str, _: u32, _: &'static str) -> Weighed {
        Ok(())
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, _: &'static str, value: &T) -> Weighed {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        value: &T,
    ) -> Weighed {
        value.serialize(self)
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Self, Unweighable> {
        self.block(0).map(|()| self)
    }

    fn serialize_tuple(self, _: usize) -> Result<Self, Unweighable> {
        Ok(self)
    }

    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Self, Unweighable> {
        Ok(self)
    }

    fn serialize_tuple_variant(self, _: &'static str, _: u32, _: &'static str, _: usize) -> Result<Self, Unweighable> {
        Ok(self)
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Self, Unweighable> {
        self.block(0).map(|()| self)
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Self, Unweighable> {
        Ok(self)
    }

    fn serialize_struct_variant(self, _: &'static str, _: u32, _: &'static str, _: usize) -> Result<Self, Unweighable> {
        Ok(self)
    }
}

macro_rules! parts {
    ($($compound:ident, $method:ident $(, $name:ty)?;)*) => {
        $(impl ser::$compound for &mut Scale {
            type Ok = ();
            type Error = Unweighable;

            fn $method<T: Serialize + ?Sized>(&mut self, $(_: $name,)? value: &T) -> Weighed {
                value.serialize(&mut **self)
            }

            fn end(self) -> Weighed {
                Ok(())
            }
        })*
    };
}

parts! {
    SerializeSeq, serialize_element;
    SerializeTuple, serialize_element;
    SerializeTupleStruct, serialize_field;
    SerializeTupleVariant, serialize_field;
    SerializeStruct, serialize_field, &'static str;
    SerializeStructVariant, serialize_field, &'static str;
}

impl ser::SerializeMap for &mut Scale {
    type Ok = ();
    type Error = Unweighable;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Weighed {
        key.serialize(&mut **self)
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Weighed {
        value.serialize(&mut **self)
    }

    fn end(self) -> Weighed {
        Ok(())
    }
}
