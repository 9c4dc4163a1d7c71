/// The sizes of a vision transformer, from the `vision_config` of a `config.json` (transformers' CLIPVisionConfig and
/// BlipVisionConfig).
package struct VisionConfiguration: Sendable {
    package let sizes: TransformerSizes
    /// Sides in pixels of the square that it was trained on, and of the patches that are its tokens.
    package let side, patch: Int

    package var width: Int { sizes.width }

    /// Patches of the square that it was trained on.
    package var trained: Grid { Grid(height: side / patch, width: side / patch) }

    /// The patches of a picture; what is left of a patch at its right and lower edges is not read.
    package func patches(of picture: Grid) -> Grid {
        Grid(height: picture.height / patch, width: picture.width / patch)
    }

    /// What absent keys mean, and what a file calls its type.
    struct Defaults {
        let side, patch: Int
        let activation: Activation
        let type: String

        static let clip = Defaults(side: 224, patch: 32, activation: .quickGELU, type: "clip_vision_model")
        static let blip = Defaults(side: 384, patch: 16, activation: .gelu, type: "blip_vision_model")
    }

    init(_ file: ConfigurationFile, absent: Defaults) throws(CheckpointError) {
        try file.require("model_type", oneOf: [.string(absent.type)])
        try file.require("num_channels", oneOf: [.number(3)])
        sizes = try TransformerSizes(
            file,
            absent: TransformerSizes(
                width: 768, intermediate: 3072, layers: 12, heads: 12, activation: absent.activation, epsilon: 1e-5))
        side = try file.integer("image_size", absent: absent.side, in: PictureConfiguration.sides)
        patch = try file.integer("patch_size", absent: absent.patch, in: 1...256)
        guard patch <= side else { throw file.refusal("patch_size", expected: "at most \(side), the image_size") }
    }
}
