import NIOCore
import RPC

/// Turns of frames, and what becomes of an incomplete one.
extension Connection {
    /// Whether the next frame is over ``ServerLimits/largeFrame``, so that reading it takes long.
    var isNextLarge: Bool { wire.nextFrameBytes.map { $0 > service.limits.largeFrame } ?? false }

    /// Queues for a turn to parse frames, if there are any and the socket is writable; otherwise their answers would
    /// pile up.
    func takeTurn() {
        guard isBehind, !hasTurn, channel.isWritable else { return }
        hasTurn = true
        if isNextLarge {
            // It may wait for long, which is no fault of its sender's, and nothing is received meanwhile.
            stopTimer()
            listen()
        }
        table.turns.take(self)
    }

    /// One turn: handles up to ``ServerLimits/framesAtOnce`` small frames.
    func lookAtFrames() {
        hasTurn = false
        guard !isGone else { return }
        backlog.gathering {
            for _ in 0..<service.limits.framesAtOnce where !isGone && channel.isWritable && !isNextLarge {
                guard let actions = wire.next() else {
                    isBehind = false
                    break
                }
                // A complete frame's bytes are charged to its call from here on.
                giveBackFrame()
                act(actions)
            }
        }
        endTurn()
    }

    /// The turn of a large frame, which another thread is to read; `nil` where it can be handled at once, or there is
    /// none any more. No other frame is handled until ``handle(_:)``.
    func takeLargeFrame() -> LargeFrame? {
        guard !isGone else { return nil }
        let frame = wire.takeLarge()
        picture = frame.flatMap { frame in frame.picture.map { ($0, frame.length) } }
        if let frame, picture == nil { return frame }
        hasTurn = false
        backlog.gathering {
            guard let actions = frame.map({ wire.receive($0.envelope, nil) }) ?? wire.next() else {
                return isBehind = false
            }
            giveBackFrame()
            act(actions)
            picture = nil
        }
        endTurn()
        return nil
    }

    /// Handles a large frame that was read.
    func handle(_ frame: ReadFrame) {
        hasTurn = false
        guard !isGone else { return }
        backlog.gathering {
            let actions = wire.receive(frame.frame, frame.request)
            giveBackFrame()
            read = frame.message
            act(actions)
            read = nil
        }
        endTurn()
    }

    private func endTurn() {
        // A write may have closed the channel.
        if isGone { return }
        watchFrame()
        takeTurn()
        listen()
        endInput()
        closeIfDone()
        table.noteQuiet()
    }

    /// A message of the frame that is handled.
    func message<Message: WireMessage>(_ payload: [UInt8]) throws(RPCStatus) -> Message {
        if let message = try read?.get() as? Message { message } else { try Message(decoding: payload) }
    }

    /// Does what follows from a frame.
    private func act(_ actions: [ServerConnection.Action]) {
        // Of a fault that ends no open call.
        if case .write(let bytes)? = actions.first, let fault = wire.lastFault {
            var record = CallRecord(nil, number: table.numberCall(), received: 0)
            record.sent = bytes.count
            log(record, .failed(fault))
        }
        for action in actions { act(action) }
    }

    private func act(_ action: ServerConnection.Action) {
        guard !isGone else { return }
        switch action {
        case .open(let call): open(call)
        case .message(let stream, let message): received(message, on: stream)
        case .halfClose(let stream): look(stream)
        case .cancel(let stream):
            if let fault = wire.lastFault { ended(stream, .failed(fault)) }
        case .write(let bytes): backlog.write(bytes)
        case .close(let status): disconnect(status.message)
        }
    }

    // MARK: Incomplete frames

    /// Returns the quota of frame bytes that have left the decoder's buffer.
    private func giveBackFrame() {
        guard wire.keptBytes < frameBytes else { return }
        table.incoming.giveBack(frameBytes - wire.keptBytes, of: owner)
        frameBytes = wire.keptBytes
    }

    private func stopTimer() {
        frame?.alarm.cancel()
        frame = nil
    }

    /// Charges the incomplete frame to the user's quota, and times its transfer: a slow sender (slowloris) is cut off.
    private func watchFrame() {
        if wire.keptBytes > frameBytes {
            do throws(RPCStatus) {
                try table.incoming.take(
                    wire.keptBytes - frameBytes, of: "requests", for: owner, retry: service.nextRoom)
                frameBytes = wire.keptBytes
            } catch {
                act(wire.refuseNext(with: error))
                if isGone { return }
            }
        }
        giveBackFrame()
        // The timer is off while the daemon itself does not read or parse.
        guard !isBehind, channel.isWritable, let bytes = wire.partialBytes else {
            return stopTimer()
        }
        if frame?.number != wire.frameCount {
            frame?.alarm.cancel()
            frame = (
                wire.frameCount,
                PaceAlarm(service.limits, on: eventLoop) { [weak self] pace in
                    self?.disconnect("a frame of which \(pace.bytes) bytes came in time: send faster")
                }
            )
        }
        if let alarm = frame?.alarm { alarm.add(bytes - alarm.pace.bytes) }
    }
}
