package import Images

/// A picture's file, whose header is legal and within the limits.
package struct InputPicture: Sendable {
    let bytes: [UInt8]
    let size: ImageSize

    /// Looks at the header alone.
    package init(_ bytes: [UInt8]) throws(ImageError) {
        size = try ImageSize(probing: bytes)
        self.bytes = bytes
    }
}
