using BlockGraph.BlockCore.DriverModel;
using BlockGraph.BlockCore.Options;
using BlockGraph.BlockCore.Scheduling;

namespace BlockGraph.BlockCore.Graph;

/// <summary>Turns the text of a <c>json:</c> pseudo-filename into options; the library that knows JSON supplies it.</summary>
/// <param name="fileName">The whole name, with its prefix.</param>
/// <returns>A tree of options.</returns>
public delegate OptionsDictionary PseudoFileNameParser(string fileName);

/// <summary>Turns options into the text of a <c>json:</c> pseudo-filename, prefix included; the library that knows JSON supplies it.</summary>
/// <param name="options">A tree of options.</param>
public delegate string PseudoFileNameWriter(OptionsDictionary options);

/// <summary>How a graph is set up.</summary>
public sealed class NodeGraphOptions
{
    /// <summary>Which semantics the graph follows.</summary>
    public CompatibilityProfile Profile { get; set; } = CompatibilityProfile.Own;

    /// <summary>How files are opened and loops sleep.</summary>
    public HostPlatform Platform { get; set; } = HostPlatform.Default;

    /// <summary>Reads <c>json:</c> names; null refuses them.</summary>
    public PseudoFileNameParser? PseudoFileNames { get; set; }

    /// <summary>Writes <c>json:</c> names of nodes that no plain file name describes; null: such nodes have no name to show.</summary>
    public PseudoFileNameWriter? PseudoFileNameWriter { get; set; }

    /// <summary>Whether requests skip layers that have nothing to do; off shows that nothing observable depends on it.</summary>
    public bool UsesPlans { get; set; } = true;

    /// <summary>
    /// Called with its name at every step of a control-plane operation at which that may fail, on the main context. A test that throws from it
    /// makes the operation fail there; nothing else should.
    /// </summary>
    public Action<string>? StepHook { get; set; }
}
