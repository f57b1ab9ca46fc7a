using BlockGraph.BlockCore.Graph;
using BlockGraph.Qapi.Options;
using Microsoft.Extensions.DependencyInjection;

namespace BlockGraph.Qapi;

/// <summary>Registers what the graph needs of this library.</summary>
public static class QapiServices
{
    /// <summary>Lets the graph read and write <c>json:</c> pseudo-filenames.</summary>
    public static IServiceCollection AddBlockQapi(this IServiceCollection services) =>
        services.AddSingleton<Action<NodeGraphOptions>>(options =>
        {
            options.PseudoFileNames = JsonOptions.ParsePseudoFileName;
            options.PseudoFileNameWriter = PseudoFileName.Format;
        });
}
