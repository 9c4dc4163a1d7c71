package import NIOCore

/// What one connection may cost the others.
package struct ConnectionLimits: Sendable {
    /// Bytes of picture files that a connection's calls may hold, from their first byte to their answer.
    package let pictureBytes: Int
    /// Bytes of a picture in one message of `Look`.
    package let pieceBytes: Int
    /// Bytes of answers that may wait for the reader before the engine does.
    package let backlogBytes: Int
    /// How long, in all, a call may let the engine wait for its reader.
    ///
    /// The engine serves everybody, so a slow reader costs the others at most this for each call; what lies below
    /// `backlogBytes` costs them nothing. Keeping every answer whole instead would let one request for 4,096 maps of a
    /// large picture hold a hundred gigabytes.
    package let patience: TimeAmount
    /// How long bytes may wait without one of them being read before the connection is closed.
    package let stall: TimeAmount

    package init(
        pictureBytes: Int, pieceBytes: Int, backlogBytes: Int, patience: TimeAmount, stall: TimeAmount
    ) {
        self.pictureBytes = pictureBytes
        self.pieceBytes = pieceBytes
        self.backlogBytes = backlogBytes
        self.patience = patience
        self.stall = stall
    }

    package static let standard = ConnectionLimits(
        pictureBytes: 256 << 20, pieceBytes: 1 << 20, backlogBytes: 8 << 20, patience: .seconds(10),
        stall: .seconds(30))
}
