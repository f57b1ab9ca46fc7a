using BlockGraph.BlockCore.Graph;
using BlockGraph.Qapi.Options;
using Microsoft.Extensions.DependencyInjection;

namespace BlockGraph.Qapi;

/// <summary>Gives the graph what it needs of this library.</summary>
public static class QapiServices
{
    /// <summary>Lets the graph read and write <c>json:</c> pseudo-filenames.</summary>
    public static IServiceCollection AddBlockQapi(this IServiceCollection services) => services.AddSingleton<Action<NodeGraphOptions>>(UseBlockQapi);

    /// <summary>The same for a graph that is made without a container.</summary>
    public static void UseBlockQapi(this NodeGraphOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        options.PseudoFileNames = JsonOptions.ParsePseudoFileName;
        options.PseudoFileNameWriter = PseudoFileName.Format;
    }
}
