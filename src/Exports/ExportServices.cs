using Microsoft.Extensions.DependencyInjection;

namespace BlockGraph.Exports;

/// <summary>Registers the ways to give a graph to somebody else.</summary>
public static class ExportServices
{
    /// <summary>Adds every export of this library. There is none yet; the NBD server will be the first.</summary>
    public static IServiceCollection AddBlockExports(this IServiceCollection services) => services;
}
