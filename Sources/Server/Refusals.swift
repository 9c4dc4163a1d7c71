import Images
import Limits
package import RPC
package import Segmentation

// How a failure of the method is told on the wire, and when to ask again.

extension RPCStatus {
    /// The method's error as the wire's status.
    package init(_ error: SegmentationError) {
        self.init(Code(error), "\(error)", refusal: Refusal(error))
    }
}

extension Refusal {
    /// `nil` where asking again changes nothing.
    fileprivate init?(_ error: SegmentationError) {
        switch error {
        case .queueFull(_, let place):
            self.init(.queueFull, delay: Self.delay(place.wait), queuePosition: place.position)
        case .displaced(_, let place):
            self.init(.displaced, delay: Self.delay(place.wait), queuePosition: place.position)
        case .notLoaded(let failure) where failure.mayFit:
            self.init(.memory, delay: Self.memoryDelay, queuePosition: nil)
        case .image(ImageError.outOfMemory), .memory: self.init(.memory, delay: Self.memoryDelay, queuePosition: nil)
        case .stopping: self.init(.stopping, delay: Self.restartDelay, queuePosition: nil)
        default: return nil
        }
    }

    /// How long to wait for what takes about so long.
    static func delay(_ wait: Duration) -> Duration { min(max(wait, leastDelay), mostDelay) }

    static let leastDelay = Duration.milliseconds(Limit.leastRetryMilliseconds)
    static let mostDelay = Duration.seconds(Limit.mostRetrySeconds)
    static let memoryDelay = Duration.seconds(Limit.memoryRetrySeconds)
    static let restartDelay = Duration.seconds(Limit.restartRetrySeconds)
}

extension RPCStatus.Code {
    fileprivate init(_ error: SegmentationError) {
        self =
            switch error {
            case .image(ImageError.outOfMemory), .memory, .queueFull, .displaced: .resourceExhausted
            case .notLoaded(let failure): failure.lacksMemory ? .resourceExhausted : .failedPrecondition
            case .noCaptioner, .noFilter: .failedPrecondition
            case .image, .noLabels, .labelsAndVocabulary, .tooMany, .tooManyForMask, .emptyName, .repeatedName, .alike,
                .tooLong, .tooManyMarks, .noTokens, .notInPrompt, .cutOff, .weight, .threshold, .timestep, .gridSides,
                .gridTooLarge,
                .mapSize, .noPixel, .recipe, .setting, .filter:
                .invalidArgument
            case .unknownModel, .unknownPicture: .notFound
            case .stopping: .unavailable
            case .cancelled: .cancelled
            case .deadlineExceeded: .deadlineExceeded
            }
    }
}
