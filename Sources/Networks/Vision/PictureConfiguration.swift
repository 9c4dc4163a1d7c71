/// How a picture becomes what a vision network reads, from `preprocessor_config.json` (transformers' BlipImageProcessor
/// and CLIPImageProcessor).
package struct PictureConfiguration: Sendable, Hashable {
    /// The class of transformers that a file is written for: what its absent keys mean.
    package enum Processor: Sendable {
        /// Pictures are stretched to a size.
        case blip
        /// Pictures are resized in their proportions, and their middle is cut out.
        case clip
    }

    /// Pixels of each side.
    package struct Size: Sendable, Hashable {
        package let height: Int
        package let width: Int

        package init(height: Int, width: Int) {
            self.height = height
            self.width = width
        }
    }

    /// What a picture is resized to, by cubic convolution.
    package enum Fit: Sendable, Hashable {
        case stretched(Size)
        /// The shorter side gets so many pixels, the longer one in proportion, rounded down.
        case shortestSide(Int)
        /// Both sides get whole patches of so many pixels, the shorter one as many as come nearest to `shortest`
        /// pixels, the longer one in proportion, but at most ``longest`` times as many: a longer picture is squeezed.
        case wholePatches(shortest: Int, patch: Int)

        /// How many times as long as the other a side may become by whole patches: a picture a pixel wide would ask
        /// for all memory.
        package static let longest = 4

        /// What a picture of at least one pixel a side is resized to.
        package func size(of picture: Size) -> Size {
            let shortest = min(picture.height, picture.width)
            switch self {
            case .stretched(let size): return size
            case .shortestSide(let side):
                return Size(height: side * picture.height / shortest, width: side * picture.width / shortest)
            case .wholePatches(let side, let patch):
                // In whole numbers, `round(length * side / shortest / patch)`, halves up.
                func patches(_ length: Int) -> Int { (2 * length * side + shortest * patch) / (2 * shortest * patch) }
                let most = Self.longest * patches(shortest)
                return Size(
                    height: min(patches(picture.height), most) * patch,
                    width: min(patches(picture.width), most) * patch)
            }
        }
    }

    package private(set) var fit: Fit
    /// What is cut out of the middle of the resized picture, and lies within it; `nil`: it is read whole.
    package private(set) var crop: Size?
    /// value = (sample · factor - mean) / deviation, samples being 0...255.
    package let factor: Double
    /// Of red, green and blue.
    package let mean: [Float]
    /// Of red, green and blue.
    package let deviation: [Float]

    /// The pixels that the network reads of a picture.
    package func size(of picture: Size) -> Size { crop ?? fit.size(of: picture) }

    /// The same statistics, for a network that reads whole pictures in their proportions.
    ///
    /// - Parameters:
    ///   - shortest: pixels of the shorter side, at least half a patch
    ///   - patch: pixels of a side of the network's patches
    package func whole(shortest: Int, patch: Int) -> PictureConfiguration {
        precondition(Self.sides.contains(shortest), "a picture of \(shortest) pixels a side")
        precondition((1...2 * shortest).contains(patch), "patches of \(patch) pixels of \(shortest)")
        var whole = self
        whole.fit = .wholePatches(shortest: shortest, patch: patch)
        whole.crop = nil
        return whole
    }

    /// The file's name in a network's folder.
    package static let file = "preprocessor_config.json"

    /// Pixels of a side that a network may read.
    static let sides = 1...4096
    /// The statistics of the pictures that CLIP was trained on, BLIP's too.
    private static let published = (
        mean: [0.48145466, 0.4578275, 0.40821073], deviation: [0.26862954, 0.26130258, 0.27577711]
    )

    /// What the published files say, for networks that read pictures of `side` by `side` pixels.
    package static func published(_ processor: Processor, side: Int) -> PictureConfiguration {
        precondition(sides.contains(side), "a picture of \(side) pixels a side")
        let size = Size(height: side, width: side)
        return switch processor {
        case .blip: PictureConfiguration(fit: .stretched(size), crop: nil)
        case .clip: PictureConfiguration(fit: .shortestSide(side), crop: size)
        }
    }

    private init(fit: Fit, crop: Size?) {
        self.fit = fit
        self.crop = crop
        factor = 1 / 255
        mean = Self.published.mean.map { Float($0) }
        deviation = Self.published.deviation.map { Float($0) }
    }

    /// Reads `file`; what this program cannot compute is refused by its key. A key that is null is absent.
    ///
    /// - Parameter processor: the network's, which a class that the file names replaces
    package init(_ file: RegularFile, _ processor: Processor) throws(CheckpointError) {
        let file = try ConfigurationFile(file)
        let processor = try file.processor ?? processor
        guard try file.flag("do_resize", absent: true) else { throw file.refusal("do_resize", expected: "true") }
        if let resample = file.value("resample"), resample != .number(3) {
            throw file.refusal("resample", expected: "3, bicubic")
        }
        guard try !file.flag("do_pad", absent: false) else { throw file.refusal("do_pad", expected: "false") }
        fit = try file.fit(processor, in: Self.sides)
        crop = try file.crop(processor, in: Self.sides, of: fit)
        if try file.flag("do_rescale", absent: true) {
            factor =
                file.value("rescale_factor") == nil
                ? 1 / 255 : try file.number("rescale_factor", absent: 0, in: 1e-6...1)
        } else {
            factor = 1
        }
        let isNormalized = try file.flag("do_normalize", absent: true)
        let means = try file.numbers("image_mean", absent: Self.published.mean, count: 3, in: -1000...1000)
        let deviations = try file.numbers("image_std", absent: Self.published.deviation, count: 3, in: 1e-6...1000)
        mean = isNormalized ? means.map { Float($0) } : [0, 0, 0]
        deviation = isNormalized ? deviations.map { Float($0) } : [1, 1, 1]
    }
}

extension ConfigurationFile {
    /// The class that the file names, by its present or its former name; `nil` where it names none.
    fileprivate var processor: PictureConfiguration.Processor? {
        get throws(CheckpointError) {
            let key = value("image_processor_type") == nil ? "feature_extractor_type" : "image_processor_type"
            guard let value = value(key) else { return nil }
            guard case .string(let name) = value else { throw refusal(key, expected: "a string") }
            switch name {
            case "BlipImageProcessor", "BlipImageProcessorFast", "BlipImageProcessorPil": return .blip
            case "CLIPImageProcessor", "CLIPImageProcessorFast", "CLIPImageProcessorPil", "CLIPFeatureExtractor":
                return .clip
            default: throw refusal(key, expected: "\"BlipImageProcessor\" or \"CLIPImageProcessor\"")
            }
        }
    }

    fileprivate func flag(_ key: String, absent: Bool) throws(CheckpointError) -> Bool {
        value(key) == nil ? absent : try bool(key, absent: absent)
    }

    fileprivate func fit(
        _ processor: PictureConfiguration.Processor, in sides: ClosedRange<Int>
    ) throws(CheckpointError) -> PictureConfiguration.Fit {
        let isSquare = try flag("default_to_square", absent: processor == .blip)
        guard let value = value("size") else {
            return processor == .blip ? .stretched(.init(height: 384, width: 384)) : .shortestSide(224)
        }
        if let side = value.wholeNumber, sides.contains(side) {
            return isSquare ? .stretched(.init(height: side, width: side)) : .shortestSide(side)
        }
        if let size = value.size(in: sides) { return .stretched(size) }
        if let side = value.members(["shortest_edge"], in: sides)?.first { return .shortestSide(side) }
        throw refusal(
            "size",
            expected: "n, {\"shortest_edge\": n} or {\"height\": n, \"width\": n}, "
                + "whole numbers from \(sides.lowerBound) to \(sides.upperBound)")
    }

    fileprivate func crop(
        _ processor: PictureConfiguration.Processor, in sides: ClosedRange<Int>, of fit: PictureConfiguration.Fit
    ) throws(CheckpointError) -> PictureConfiguration.Size? {
        guard try flag("do_center_crop", absent: processor == .clip) else {
            if case .stretched = fit { return nil }
            throw refusal("do_center_crop", expected: "true, where size is a shortest side")
        }
        var crop = processor == .clip ? PictureConfiguration.Size(height: 224, width: 224) : nil
        if let value = value("crop_size") {
            let side = value.wholeNumber.flatMap { sides.contains($0) ? $0 : nil }
            crop = side.map { .init(height: $0, width: $0) } ?? value.size(in: sides)
        }
        let limit = fit.size(of: .init(height: 1, width: 1))
        guard let crop, crop.height <= limit.height, crop.width <= limit.width else {
            throw refusal(
                "crop_size",
                expected: "n or {\"height\": n, \"width\": n}, whole numbers from \(sides.lowerBound), "
                    + "at most \(limit.height) high and \(limit.width) wide as the resized picture")
        }
        return crop
    }
}

extension ConfigurationValue {
    /// The whole numbers within `range` that an object has for the keys, and for no other one.
    fileprivate func members(_ keys: [String], in range: ClosedRange<Int>) -> [Int]? {
        guard case .object(let members) = self else { return nil }
        let stated = members.filter { $0.value != .null }
        let numbers = keys.compactMap { stated[$0]?.wholeNumber }.filter(range.contains)
        return numbers.count == keys.count && stated.count == keys.count ? numbers : nil
    }

    /// An object of a height and a width.
    fileprivate func size(in range: ClosedRange<Int>) -> PictureConfiguration.Size? {
        members(["height", "width"], in: range).map { .init(height: $0[0], width: $0[1]) }
    }
}
