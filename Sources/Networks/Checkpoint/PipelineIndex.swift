/// The `model_index.json` of a folder in the diffusers layout.
package enum PipelineIndex {
    /// The name of the pipeline's class where that is none of Stable Diffusion; `nil` for one, and where the file is
    /// missing or says none.
    package static func otherClass(in folder: String) -> String? {
        let index = try? ConfigurationFile(path: "\(folder)/model_index.json")
        guard case .string(let name)? = index?.value("_class_name"), !name.hasPrefix("StableDiffusion") else {
            return nil
        }
        return name
    }
}
